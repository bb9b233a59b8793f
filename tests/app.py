"""A person's authenticator app, and how it is added at the small ward's touchscreen."""

from auth import totp
from cabinet import events as e
from tests.ward import Ward

PEPPER = b"p" * 32
SECRET = b"s" * totp.SECRET_BYTES


def code(ward: Ward) -> str:
    """What the app shows now."""
    return totp.code_at(SECRET, (ward.wall_ms + ward.now_ms) // 1000 // totp.STEP_S)


def step(ward: Ward) -> int:
    """The step of that code."""
    return (ward.wall_ms + ward.now_ms) // 1000 // totp.STEP_S


def add(ward: Ward, staff_id: str) -> None:
    """They sign in, add it and sign out; its first code is used up by that."""
    ward.sign_in(staff_id)
    ward.press("authenticator")
    ward.press("add_totp")
    request = ward.command(e.MakeTotp).request
    sealed = totp.seal(PEPPER, ward.ref(staff_id), SECRET, bytes)
    ward.do(e.TotpMade(request, totp.spelt(SECRET), sealed))
    ward.press("same_totp", code(ward))
    ward.do(e.TotpChecked(ward.command(e.CheckTotp).request, step(ward)))
    ward.press("sign_out")
    assert ward.state.people[ward.ref(staff_id)].totp_name
