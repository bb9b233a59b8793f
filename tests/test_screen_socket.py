"""The screen socket under attack, over real Unix sockets: dropped, never waited for."""

import contextlib
import os
import queue
import shutil
import socket
import stat
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cabinet import local_socket
from cabinet.controller import MAX_PEERS_WAITING, MAX_WAITING, Controller
from cabinet.local_socket import Peer
from cabinet.messages import (
    MAX_FRAME_BYTES,
    VERSION,
    Answer,
    Frames,
    Hello,
    Live,
    Press,
    Screen,
    Shown,
    Words,
    encode,
    frame,
)
from cabinet.records import DrawerForced
from cabinet.screen_socket import MAX_PEERS, PeerCame, PeerEvent, PeerPressed, ScreenSocket
from drivers.readings import DrawerReading, Position
from tests.demo import PATIENCE_S, until
from tests.machine import Machine
from tests.peer import ScreenPeer

pytestmark = pytest.mark.real_time
SHOWN = Shown(Screen(1, "rest", "Ward 1", (Words("Hold your badge"),)), Live("14:05", "Ward 1"))


class Served:
    """A screen socket whose events wait in a queue."""

    def __init__(self, folder: Path, most: int = 64) -> None:
        self.path = folder / "screen.sock"
        self.events: queue.Queue[PeerEvent] = queue.Queue(most)
        self.socket = ScreenSocket(self.path, self.events.put_nowait)

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(PATIENCE_S)
        connection.connect(str(self.path))
        return connection

    def greet(self) -> tuple[socket.socket, PeerCame]:
        """A peer that said hello."""
        connection = self.connect()
        connection.sendall(encode(Hello(VERSION)))
        came = self.events.get(timeout=PATIENCE_S)
        assert isinstance(came, PeerCame)
        return connection, came

    def works(self) -> None:
        """Somebody else can connect, press and see."""
        connection, came = self.greet()
        with connection:
            came.peer.send(encode(SHOWN))
            assert read(connection) == encode(SHOWN)[4:]
            connection.sendall(encode(Press(1, 1, "have_code")))
            assert isinstance(self.events.get(timeout=PATIENCE_S), PeerPressed)


def read(connection: socket.socket) -> bytes:
    """One frame."""
    frames = Frames()
    while True:
        data = connection.recv(65_536)
        assert data, "the connection ended"
        if bodies := frames.feed(data):
            return bodies[0]


def is_dropped(connection: socket.socket) -> bool:
    """Whether the other end goes away; what it still says is read."""
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.socket.close()


def test_a_peer_that_says_hello_gets_screens_and_presses(served: Served) -> None:
    served.works()


def test_everybody_sees_the_same_screen(served: Served) -> None:
    peers = [served.greet()[0] for _ in range(MAX_PEERS)]
    served.socket.send(SHOWN)
    assert [read(peer) for peer in peers] == [encode(SHOWN)[4:]] * MAX_PEERS


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">I", MAX_FRAME_BYTES + 1),
        struct.pack(">I", 2**32 - 1),
        frame(b"{}"),
        frame(b""),
        frame(b'{"type":"hello","version":2}'),
        frame(b'{"type":"press","id":1,"number":1,"button":"x"}'),
        frame(b'{"x":' + b"[" * 60_000),
        frame(b'{"type":"hello","version":1,"more":1}'),
    ],
    ids=lambda garbage: repr(garbage[:12]),
)
def test_a_garbled_peer_is_dropped_and_the_others_are_served(
    served: Served, garbage: bytes
) -> None:
    for _ in range(2 * MAX_PEERS):  # more than there is room for at a time
        connection = served.connect()
        with connection:
            connection.sendall(garbage)
            assert is_dropped(connection)
    assert served.events.empty()
    served.works()


def test_a_press_that_comes_in_pieces_is_read(served: Served) -> None:
    connection, _ = served.greet()
    for byte in encode(Press(3, 1, "pin", "73910264")):
        connection.send(bytes([byte]))
    event = served.events.get(timeout=PATIENCE_S)
    assert isinstance(event, PeerPressed)
    assert (event.press.id, event.press.text) == (3, "73910264")


def test_half_a_frame_holds_nobody_up(served: Served) -> None:
    slow = served.connect()
    slow.sendall(encode(Hello(VERSION))[:6])
    served.works()
    slow.close()


def test_a_peer_that_does_not_read_is_dropped_and_never_waited_for(served: Served) -> None:
    deaf, came = served.greet()
    big = Shown(Screen(1, "rest", "x" * 60_000, ()), Live("", ""))
    sent = 0
    while came.peer.send(encode(big)):
        sent += 1
        assert sent < 1000, "it is never full"
    served.works()
    assert not came.peer.send(encode(SHOWN))
    deaf.close()


def test_presses_faster_than_they_are_handled_end_that_peer_alone(tmp_path: Path) -> None:
    served = Served(tmp_path, most=8)
    connection, _ = served.greet()
    try:
        for number in range(1000):
            connection.sendall(encode(Press(number, 1, "x")))
    except OSError:
        assert served.events.full()
    assert is_dropped(connection)
    while not served.events.empty():
        served.events.get_nowait()
    served.works()
    served.socket.close()


def test_one_peer_too_many_is_turned_away(served: Served) -> None:
    peers = [served.greet()[0] for _ in range(MAX_PEERS)]
    late = served.connect()
    assert is_dropped(late)
    peers[0].close()
    for _ in range(100):  # its room is free as soon as its thread has seen it go
        again = served.connect()
        with contextlib.suppress(ConnectionError):  # turned away before it could speak
            again.sendall(encode(Hello(VERSION)))
        try:
            assert isinstance(served.events.get(timeout=0.3), PeerCame)
            break
        except queue.Empty:
            again.close()
    else:
        raise AssertionError("there is no room again")


def test_an_answer_to_a_peer_that_is_gone_is_harmless(served: Served) -> None:
    connection, came = served.greet()
    connection.close()
    for _ in range(3):
        came.peer.send(encode(Answer(1, "done")))
    served.works()


def test_another_user_is_dropped_before_it_is_read() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        served = Served(folder)
        served.path.chmod(0o666)
        child = os.fork()
        if child == 0:
            os.setgid(65_534)
            os.setuid(65_534)
            os._exit(0 if is_dropped(served.connect()) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert served.events.empty()
        served.works()
        served.socket.close()


def test_the_socket_is_for_its_folders_group_and_nobody_else(served: Served) -> None:
    mode = stat.S_IMODE(served.path.stat().st_mode)
    assert mode == 0o660
    assert os.geteuid() in local_socket.allowed_uids("nobody-of-this-name")
    assert len(local_socket.allowed_uids("nobody-of-this-name")) == 1


def test_a_socket_left_behind_by_a_crash_is_replaced(tmp_path: Path) -> None:
    first = Served(tmp_path)
    second = Served(tmp_path)
    second.works()
    first.socket.close()
    second.socket.close()
    assert not second.path.exists()


def test_presses_that_wait_leave_room_for_every_device() -> None:
    """The locks' owner never waits for room: without any it ends, with every coil off."""
    controller = object.__new__(Controller)
    controller._queue = queue.Queue(MAX_WAITING)
    press = PeerPressed(Peer(socket.socket()), Press(1, 1, "x"))
    for _ in range(MAX_PEERS_WAITING):
        controller.post(press)
    with pytest.raises(queue.Full):
        controller.post(press)
    for _ in range(MAX_WAITING - MAX_PEERS_WAITING):
        controller.post(DrawerReading("D1", Position.OPEN))


@pytest.mark.process
def test_a_flood_of_presses_ends_no_controller_and_hides_no_pried_drawer(
    tmp_path: Path, demo_template: Path
) -> None:
    """Whoever has taken over the touchscreen presses as fast as the socket takes it."""
    folder = tmp_path / "demo"
    shutil.copytree(demo_template, folder)
    machine = Machine(folder)
    try:
        machine.start().close()
        path = folder / "run" / "screen.sock"

        def come() -> ScreenPeer:
            """Connected as soon as there is room again."""
            peer = until(lambda: machine._connect(path))
            assert peer is not None and peer.shown is not None
            return peer

        for attempt in range(20):
            peer = come()
            assert peer.shown is not None
            number = peer.shown.screen.number
            flood = b"".join(encode(Press(it, number, "have_code")) for it in range(5000))
            with contextlib.suppress(OSError):  # it is dropped in the middle, as it should be
                peer._socket.sendall(flood)
            peer.close()
            if attempt == 10:
                assert machine.world.pry("D2")
        until(lambda: any(isinstance(it.record, DrawerForced) for it in machine.bodies()))
        assert machine.process is not None
        assert machine.process.poll() is None, machine.log()
        come().close()
    finally:
        machine.stop()
