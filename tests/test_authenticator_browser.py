"""The picture that adds an authenticator app, read off a real browser as a phone's camera does."""

import io
from typing import Any

import pytest
import zxingcpp
from msgspec.structs import replace
from PIL import Image

from cabinet.messages import Live, QrCode, Screen, Words
from tests.screen_gallery import GALLERY
from tests.screen_peer import ScreenPeer
from tests.screen_server import running
from tests.test_touchscreen_browser import BROKEN_GLASS, Screens, peer

pytestmark = pytest.mark.browser
__all__ = ["peer"]  # the fixture
AFTER = Screen(30, "menu", "Tasks", (Words("Here"),))


def read(page: Any) -> list[str]:
    """What a camera reads of the page as it is painted."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("L")
    return [it.text for it in zxingcpp.read_barcodes(picture)]


@pytest.mark.parametrize("name", ["new app", "new app refused"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (1024, 600)])
def test_a_phone_reads_the_app_off_the_screen_and_it_is_gone_with_the_step(
    browser: Any, peer: ScreenPeer, name: str, scheme: str, size: tuple[int, int]
) -> None:
    shown = GALLERY[name].screen
    (code,) = (it for it in shown.blocks if isinstance(it, QrCode))
    viewport = {"width": size[0], "height": size[1]}
    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with running(peer.path) as server:
        screens = Screens(page, server)
        for number, alarms in ((20, ()), (21, BROKEN_GLASS)):
            peer.show(replace(shown, number=number), Live("14:05", "Ward 3 East", alarms))
            screens.number(number)
            assert read(page) == [code.text]
        peer.show(AFTER)
        screens.number(AFTER.number)
        assert not read(page)
        left = page.content() + page.evaluate("document.documentElement.outerHTML")
        for secret in (code.spelt, code.spelt.replace(" ", ""), "scanned"):
            assert secret not in left
        assert not screens.complaints, "the policy of the page allows all that it has"
    assert asked and not any("secret" in it or it.startswith("data:") for it in asked)
    context.close()
