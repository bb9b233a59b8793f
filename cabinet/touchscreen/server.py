"""The touchscreen's process: one HTTP server on loopback, one client of the screen socket.

Not for pages. One rule: it listens on 127.0.0.1 alone and logs no request.
"""

import asyncio
import logging
import socket
from pathlib import Path

import uvicorn

from cabinet.touchscreen.app import Touchscreen, create_app
from cabinet.touchscreen.binding import Binding
from cabinet.touchscreen.connection import Connection
from cabinet.touchscreen.errors import PortError

HOST = "127.0.0.1"
MAX_CONNECTIONS = 64
BACKLOG = 32
STOPPING_S = 2

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """The HTTP server; when it stops, the event streams are ended first."""

    def __init__(self, socket_path: Path, port: int, launch_file: Path | None) -> None:
        self.listener = _listen(port)
        self.port: int = self.listener.getsockname()[1]
        self.connection = Connection(socket_path)
        binding = Binding(self.port, launch_file, self.connection.ring)
        self.touchscreen = Touchscreen(self.connection, binding)
        super().__init__(
            uvicorn.Config(
                create_app(self.touchscreen, self.port),
                http="h11",
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_graceful_shutdown=STOPPING_S,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop."""
        self.touchscreen.close()
        await super().shutdown(sockets)

    async def run_both(self) -> None:
        """Serve and follow the controller until told to stop; either's failure ends both."""
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self.connection.run())
            await self.serve(sockets=[self.listener])
            following.cancel()


def serve(socket_path: Path, port: int, *, launch_file: Path | None) -> None:
    """Run the touchscreen until a signal; without `launch_file` any local browser may bind."""
    server = Server(socket_path, port, launch_file)
    log.info("touchscreen on http://%s:%d/", HOST, server.port)
    try:
        asyncio.run(server.run_both())
    except KeyboardInterrupt:
        log.info("touchscreen stopped")


def _listen(port: int) -> socket.socket:
    # The protocol is named because asyncio sets TCP_NODELAY only where it is: 40 ms a press.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortError(
            f"port {port} on {HOST}: {error.strerror}; stop what uses it or choose another port"
        ) from error
    return listener
