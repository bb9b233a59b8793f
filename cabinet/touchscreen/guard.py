"""What every request must be before a page sees it, and what every answer carries.

Not for who is bound (`binding.py`). One rule: loopback is not trust: whoever can reach the port
still has to name this host, come from this page and stay small.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 4096
OPENED_FROM_ELSEWHERE = ("/", "/launch")  # the addresses a link or file may lead a window to

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",  # the script parses no markup: pages arrive as documents
}
_OFF = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "publickey-credentials-get",
    "serial",
    "usb",
)
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _OFF),
    "Referrer-Policy": "same-origin",  # not no-referrer: with it a form's Origin would be "null"
}


class Guard:
    """Refuses what is not ours before `app`, and puts `HEADERS` on every answer."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":  # the server is set to speak nothing else
            raise AssertionError(f"unexpected {scope['type']} connection")

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        status, reason = self._refusal(scope)
        if status:
            answer = PlainTextResponse(reason, status)
            await answer(scope, receive, send_guarded)
        else:
            await self._app(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str]:
        headers, method = Headers(scope=scope), scope["method"]
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:  # DNS rebinding ends here
            return 421, "This is not the address of this screen."
        if method not in ("GET", "POST"):
            return 405, "Only GET and POST."
        if method == "POST" and headers.getlist("origin") != [f"http://{hosts[0]}"]:
            return 403, "Not sent by this screen."
        if not _from_here(headers, method, scope["path"]):
            return 403, "Not sent by this screen."
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            return 413, f"At most {MAX_BODY_BYTES} bytes."
        return 0, ""


def _from_here(headers: Headers, method: str, path: str) -> bool:
    """What the browser says of where a request comes from; other clients do not say."""
    site = headers.get("sec-fetch-site")
    if site in (None, "same-origin") or (site == "none" and method == "GET"):
        return True
    opens_window = (
        headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    )
    return method == "GET" and opens_window and path in OPENED_FROM_ELSEWHERE
