"""A small witness for hospitals that have none: `python -m ledger.witness`.

It keeps the newest head of each log it knows and cosigns only what continues it. Run it where the
cabinets' keepers cannot reach: another department, another building. One rule: a head is on disk
before its cosignature leaves.

Plain HTTP: requests and answers prove themselves by signatures, and name nobody. Put it behind a
TLS proxy if it is reached over a network that is not the hospital's own.
"""

import argparse
import base64
import binascii
import logging
import os
import secrets
import signal
import socket
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ledger.errors import LedgerError, WitnessProblem, WrongNote
from ledger.merkle import EMPTY_ROOT
from ledger.note import Checkpoint, NoteVerifier, Verifier
from ledger.witness_protocol import (
    MAX_REQUEST_BYTES,
    Answer,
    Grown,
    WitnessSigner,
    checkpoint_path,
    judge,
)

MAX_CONNECTIONS = 32
CONNECTION_S = 20.0  # one connection's whole life, however slowly it speaks
SEED_BYTES = 32
_KEY_HEADER = "PRIVATE+KEY+"
_log = logging.getLogger("witness")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS forgotten (
    at_s INTEGER NOT NULL, origin TEXT NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL
) STRICT;
"""


class Memory:
    """What the witness has cosigned, in one SQLite file; any thread may ask."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._guard = threading.Lock()
        try:
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            self._connection = sqlite3.connect(
                file, timeout=5.0, isolation_level=None, check_same_thread=False
            )
            journal = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            self._connection.execute("PRAGMA synchronous = FULL")
            if (journal, self._connection.execute("PRAGMA synchronous").fetchone()) != (
                "wal",
                (2,),
            ):
                raise WitnessProblem(f"{file}: SQLite does not keep it durably here")
            self._connection.executescript(_SCHEMA)
            _sync(file.resolve().parent)
        except (OSError, sqlite3.Error) as error:
            raise WitnessProblem(f"{file}: cannot be the witness's state: {error}") from None

    def record(
        self, origin: str, decide: Callable[[Checkpoint], tuple[Checkpoint, str] | Answer]
    ) -> Answer | None:
        """Decides on the newest head and makes the next one durable, as one act.

        None when it is on disk; what `decide` answers, or 500, when it is not.
        """
        with self._guard:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    decided = decide(self._last(origin))
                    if isinstance(decided, Answer):
                        return decided
                    head, note = decided
                    row = (origin, head.size, head.root, note)
                    self._connection.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", row)
                    self._connection.execute("COMMIT")
                    return None
                finally:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                _log.error("%s: %s", self._file, error)
                return Answer(500, b"the witness cannot write\n")

    def _last(self, origin: str) -> Checkpoint:
        rows = self._connection.execute("SELECT size, root FROM seen WHERE origin = ?", (origin,))
        size, root = rows.fetchone() or (0, EMPTY_ROOT)
        return Checkpoint(origin, size, root)

    def note(self, origin: str) -> str | None:
        """The newest head of the log with its cosignature, as a note."""
        with self._guard:
            try:
                rows = self._connection.execute("SELECT note FROM seen WHERE origin = ?", (origin,))
                row = rows.fetchone()
            except sqlite3.Error as error:
                _log.error("%s: %s", self._file, error)
                return None
        return str(row[0]) if row else None

    def forget(self, origin: str, now_s: int) -> int:
        """Lets the log begin again, and keeps what was known of it; the size that was."""
        try:
            with self._guard:
                self._connection.execute("BEGIN IMMEDIATE")
                size = self._last(origin).size
                self._connection.execute(
                    "INSERT INTO forgotten SELECT ?, origin, size, note FROM seen WHERE origin = ?",
                    (now_s, origin),
                )
                self._connection.execute("DELETE FROM seen WHERE origin = ?", (origin,))
                self._connection.execute("COMMIT")
                return size
        except sqlite3.Error as error:
            raise WitnessProblem(f"{self._file}: {error}") from None

    def close(self) -> None:
        """Closes the file."""
        with self._guard:
            self._connection.close()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Witness:
    """Judges requests for the logs it knows; without a socket."""

    def __init__(
        self,
        memory: Memory,
        signer: WitnessSigner,
        logs: Mapping[str, Sequence[NoteVerifier]],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._memory, self._signer, self._logs, self._now_s = memory, signer, logs, now_s
        self._paths = {checkpoint_path(origin): origin for origin in logs}

    def add_checkpoint(self, body: bytes) -> Answer:
        """The answer to a request; 200 only after the head is on disk."""
        first = judge(body, self._logs, {})  # who asks, before anybody's state is locked
        origin = _origin(body) if isinstance(first, Grown) or first.status in (409, 422) else ""
        if not origin:
            assert isinstance(first, Answer)
            return first
        line = ""

        def decide(last: Checkpoint) -> tuple[Checkpoint, str] | Answer:
            nonlocal line
            verdict = judge(body, self._logs, {origin: last})
            if isinstance(verdict, Answer):
                return verdict
            line = self._signer.cosign(verdict.text, int(self._now_s()))
            return verdict.head, verdict.note + line

        refused = self._memory.record(origin, decide)
        if refused is not None:
            return refused
        return Answer(200, line.encode())

    def checkpoint(self, path: str) -> Answer:
        """The newest head that was cosigned, at the path of its log."""
        origin = self._paths.get(path)
        note = self._memory.note(origin) if origin is not None else None
        return Answer(200, note.encode()) if note is not None else Answer(404, b"nothing here\n")


def _origin(body: bytes) -> str:
    """The origin in a request that `judge` found to be one."""
    return body.partition(b"\n\n")[2].partition(b"\n")[0].decode()


class _Handler(BaseHTTPRequestHandler):
    """HTTP for a `_Server`; one connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "witness", ""
    server: "_Server"

    def setup(self) -> None:
        super().setup()
        self._end = threading.Timer(CONNECTION_S, self._cut)
        self._end.daemon = True
        self._end.start()

    def finish(self) -> None:
        self._end.cancel()
        super().finish()

    def _cut(self) -> None:
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            _log.debug("the connection had ended by itself")

    def do_POST(self) -> None:
        if not self.path.endswith("/add-checkpoint"):
            self._answer(Answer(404, b"nothing here\n"), close=True)
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self._answer(Answer(411, b"say the length\n"), close=True)
        elif len(length) > 9 or int(length) > MAX_REQUEST_BYTES:
            self._answer(Answer(413, b"too long\n"), close=True)
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                self._answer(self.server.witness.add_checkpoint(body))

    def do_GET(self) -> None:
        self._answer(self.server.witness.checkpoint("/".join(self.path.split("/")[-2:])))

    def _answer(self, answer: Answer, *, close: bool = False) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        _log.info("%s: " + format, self.address_string(), *args)


class _Server(ThreadingHTTPServer):
    """Bounded: a connection over MAX_CONNECTIONS is closed at once."""

    daemon_threads = True
    request_queue_size = MAX_CONNECTIONS

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        self.witness = witness
        self._places = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: object, client_address: object) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)  # type: ignore[arg-type]  # a socket, as the base says
            return
        super().process_request(request, client_address)  # type: ignore[arg-type]  # as above

    def process_request_thread(self, request: object, client_address: object) -> None:
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        _log.info("a connection ended: %s", sys.exc_info()[1])


def serve(host: str, port: int, witness: Witness) -> _Server:
    """A server that listens and is not yet running; `serve_forever` runs it."""
    try:
        return _Server((host, port), witness)
    except OSError as error:
        raise WitnessProblem(f"{host}:{port}: cannot listen: {error.strerror}") from None


# --- the command line -----------------------------------------------------------------------------


def make_key(file: Path, name: str) -> WitnessSigner:
    """A new key in `file`, 0600; an existing file is not touched."""
    seed = secrets.token_bytes(SEED_BYTES)
    signer = WitnessSigner(name, seed)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            key = base64.b64encode(bytes([4]) + seed).decode()
            stream.write(f"{_KEY_HEADER}{name}+{signer.key_id.hex()}+{key}\n")
            stream.flush()
            os.fsync(stream.fileno())
        _sync(file.resolve().parent)
    except OSError as error:
        raise WitnessProblem(f"{file}: cannot be made: {error.strerror}") from None
    return signer


def load_key(file: Path) -> WitnessSigner:
    """The key in `file`, which nobody else may read."""
    try:
        with file.open(encoding="utf-8") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if mode & 0o077:
                raise WitnessProblem(f"{file}: mode {mode:04o}; run: chmod 600 {file}")
            text = stream.read(1024).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WitnessProblem(f"{file}: cannot be read: {error}; see --make-key") from None
    parts = text.removeprefix(_KEY_HEADER).split("+", 2)
    try:
        if not text.startswith(_KEY_HEADER) or len(parts) != 3:
            raise WrongNote("no private key")
        data = base64.b64decode(parts[2].encode("ascii"), validate=True)
        signer = WitnessSigner(parts[0], data[1:])
        if data[0] != 4 or signer.key_id.hex() != parts[1]:
            raise WrongNote("another key")
    except (ValueError, IndexError, WrongNote, binascii.Error, UnicodeEncodeError):
        raise WitnessProblem(f"{file}: is not a witness's private key; see --make-key") from None
    return signer


def logs_of(vkeys: Sequence[str]) -> dict[str, list[NoteVerifier]]:
    """Origin -> trusted keys, from the logs' public keys."""
    logs: dict[str, list[NoteVerifier]] = {}
    for vkey in vkeys:
        try:
            verifier = Verifier(vkey)
        except WrongNote as error:
            raise WitnessProblem(f"--log {vkey[:40]}: {error}") from None
        logs.setdefault(verifier.name, []).append(verifier)
    return logs


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m ledger.witness", description="Cosign the newest heads of cabinets' ledgers."
    )
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="private key, 0600")
    parser.add_argument(
        "--make-key", metavar="NAME", help="make the key, print its public half, and end"
    )
    parser.add_argument("--state", type=Path, metavar="FILE", help="what was cosigned: keep it")
    parser.add_argument("--listen", default="127.0.0.1:8090", metavar="HOST:PORT")
    parser.add_argument(
        "--log",
        action="append",
        default=[],
        metavar="VKEY",
        help="a cabinet's public key, as `cabinet init` printed it; once for each",
    )
    parser.add_argument(
        "--forget",
        metavar="ORIGIN",
        help="end after letting this log begin again: its cabinet's rollback was accepted",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; the exit status."""
    arguments = _arguments(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        return _run(arguments)
    except LedgerError as error:
        print(f"witness: {error}", file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace) -> int:
    if arguments.make_key is not None:
        print(make_key(arguments.key, arguments.make_key).vkey)
        return 0
    if arguments.state is None:
        raise WitnessProblem("--state FILE is needed: a witness that forgets is none")
    memory = Memory(arguments.state)
    try:
        if arguments.forget is not None:
            size = memory.forget(arguments.forget, int(time.time()))
            print(f"{arguments.forget}: forgotten; it had {size} entries, kept for the record")
            return 0
        host, _, port = arguments.listen.rpartition(":")
        if not host or not port.isdigit() or not 0 <= int(port) <= 65_535:
            raise WitnessProblem(f"--listen {arguments.listen}: is not HOST:PORT")
        logs = logs_of(arguments.log)
        if not logs:
            raise WitnessProblem("--log VKEY is needed, once for each cabinet")
        signer = load_key(arguments.key)
        server = serve(host, int(port), Witness(memory, signer, logs))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        _log.info("%s cosigns %d log(s) at %s:%d", signer.vkey, len(logs), *server.server_address)
        server.serve_forever()
        server.server_close()
        return 0
    finally:
        memory.close()


if __name__ == "__main__":
    sys.exit(main())
