"""The gateway socket and its messages: what a peer may say, and what the gateway may reach."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cabinet import configuration as site
from cabinet import gateway_messages
from cabinet.gateway_messages import Answered, Ask, Hello, NotReached
from cabinet.messages import MessageError
from ledger.store import Store
from tests.demo import PATIENCE_S, until
from tests.gateways import Rig
from tests.ledgers import KEY, ORIGIN, ROOT, SIGNER, bodies
from tests.test_imports import imported
from tests.witnesses import WITNESS

pytestmark = pytest.mark.real_time


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Rig]:
    """A ledger with a witness, and no gateway yet."""
    with Store.create(tmp_path / "a.db", KEY, ORIGIN) as store:
        store.append(bodies(1, 4))
        store.sign_head(SIGNER)
        made = Rig(tmp_path, store, 9, gateway_too=False)
        yield made
        made.close()


def connected(rig: Rig) -> socket.socket:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(PATIENCE_S)
    line.connect(str(rig.path))
    return line


def test_only_an_answer_that_is_waited_for_is_passed_on_and_only_once(alone: Rig) -> None:
    line = connected(alone)
    line.sendall(gateway_messages.encode(Hello(gateway_messages.VERSION)))
    until(lambda: alone.socket._socket._peers and alone.socket._socket._peers[0].greeted)
    until(alone.turn)
    asked = max(alone.socket._waited_for)
    for number in (99, asked, asked, 98):
        line.sendall(gateway_messages.encode(NotReached(number, "no")))
    said = alone.said.get(timeout=PATIENCE_S).message
    assert said.id == asked
    line.sendall(gateway_messages.encode(NotReached(97, "no")))
    line.close()
    until(lambda: not alone.socket._socket._peers)
    assert alone.said.empty()


@pytest.mark.parametrize(
    "data",
    [
        gateway_messages.encode(NotReached(1, "before hello")),
        gateway_messages.encode(Hello(99)),
        b"\x00\x00\x00\x02{}",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x04null",
    ],
)
def test_a_peer_that_does_not_speak_the_protocol_is_dropped(alone: Rig, data: bytes) -> None:
    line = connected(alone)
    line.sendall(data)
    assert line.recv(10) == b""
    line.close()


def test_there_is_one_gateway(alone: Rig) -> None:
    alone.start_gateway()
    second = connected(alone)
    assert second.recv(10) == b""
    second.close()


@given(st.binary(max_size=200))
def test_no_bytes_make_either_end_stumble(data: bytes) -> None:
    for decode in (gateway_messages.decode_for_controller, gateway_messages.decode_for_gateway):
        with pytest.raises(MessageError):
            decode(b"x" + data)


def test_messages_are_bounded_and_pass_through_unchanged() -> None:
    most = gateway_messages.MAX_CARRIED_BYTES
    for message in (
        Answered(1, 200, "text/plain", b"\xff" * most),
        NotReached(1, "x" * gateway_messages.MAX_WHY),
        Hello(1),
    ):
        frame = gateway_messages.encode(message)
        assert gateway_messages.decode_for_controller(frame[4:]) == message
    ask = Ask(1, "pharmacy", "add", "-", b"x" * most)
    assert gateway_messages.decode_for_gateway(gateway_messages.encode(ask)[4:]) == ask
    for wrong in (Ask(1, "w", "add", "../../x"), Answered(1, 200, "", b"x" * (most + 1))):
        body = gateway_messages.encode(wrong)[4:]
        with pytest.raises(MessageError):
            gateway_messages.decode_for_gateway(body)
        with pytest.raises(MessageError):
            gateway_messages.decode_for_controller(body)


def test_the_gateway_reaches_no_ledger_key_or_device() -> None:
    """Read from the source: the process that sees the network imports only what carries."""
    names = ("configuration", "gateway_messages", "limits", "messages", "plan", "site_keys")
    ours = {f"cabinet.{name}" for name in (*names, "site_policy")}
    seen: set[str] = set()
    todo = {"cabinet.gateway"}
    while todo:
        module = todo.pop()
        seen.add(module)
        source = (ROOT / (module.replace(".", "/") + ".py")).read_text()
        for name in imported(source):
            if name.split(".")[0] in ("auth", "drivers", "ledger", "sim"):
                assert name == "ledger.note.Verifier" or name.split(".")[:2] in (
                    ["auth", "errors"],
                    ["auth", "policy"],
                    ["auth", "ssh_signature"],
                    ["ledger", "errors"],
                    ["ledger", "witness_protocol"],
                ), f"{module} imports {name}"
            elif name.startswith("cabinet."):
                part = ".".join(name.split(".")[:2])
                todo |= {part} - seen
    assert seen == {"cabinet.gateway", *ours}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"url": "ftp://w"}, "witness[0].url"),
        ({"url": "https://user:secret@w/"}, "witness[0].url"),
        ({"url": "https://w:99999/"}, "witness[0].url"),
        ({"url": "https://w/?q"}, "witness[0].url"),
        ({"url": "https:///prefix"}, "witness[0].url"),
        ({"vkey": "nonsense"}, "witness[0].vkey"),
        ({"vkey": SIGNER.vkey}, "witness[0].vkey"),  # a log's key is no witness's
        ({"name": "a b"}, "witness[0].name"),
        ({"more": "x"}, "witness[0]"),
    ],
)
def test_a_witness_in_cabinet_toml_is_right_or_refused(
    tmp_path: Path, changes: dict[str, str], key: str
) -> None:
    witness = {"name": "w", "url": "https://w.example:8443/p", "vkey": WITNESS.vkey}
    assert site.load(_toml(tmp_path, witness)).witness[0].name == "w"
    with pytest.raises(site.ConfigurationError) as refused:
        site.load(_toml(tmp_path, witness | changes))
    assert refused.value.key == key
    assert "secret" not in str(refused.value)


def test_witnesses_are_few_and_each_has_its_name(tmp_path: Path) -> None:
    witness = {"name": "w", "url": "http://w", "vkey": WITNESS.vkey}
    with pytest.raises(site.ConfigurationError, match="used twice"):
        site.load(_toml(tmp_path, witness, witness))
    five = [witness | {"name": f"w{number}"} for number in range(5)]
    with pytest.raises(site.ConfigurationError, match="at most 4"):
        site.load(_toml(tmp_path, *five))


def _toml(folder: Path, *witnesses: dict[str, str]) -> Path:
    file = folder / "cabinet.toml"
    tables = (
        "\n[[witness]]\n" + "".join(f'{k} = "{v}"\n' for k, v in w.items()) for w in witnesses
    )
    file.write_text((ROOT / "sim/demo/cabinet.toml").read_text() + "".join(tables))
    return file
