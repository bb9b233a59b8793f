"""A PostgreSQL of our own for one measurement, spoken to over its socket without any driver.

Only what the comparison needs: a server in a temporary folder, and the simple query protocol
(PostgreSQL documentation, "Frontend/Backend Protocol"). One rule: it is as durable as it comes.
"""

import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WITHIN_S = 60.0
PORT = 5432
SETUP = """
CREATE TABLE e (seq bigint PRIMARY KEY, body bytea NOT NULL, hash bytea NOT NULL);
CREATE FUNCTION chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE newest record;
BEGIN
  PERFORM pg_advisory_xact_lock(1);
  SELECT seq, hash INTO newest FROM e ORDER BY seq DESC LIMIT 1;
  NEW.seq := coalesce(newest.seq, 0) + 1;
  NEW.hash := sha256(coalesce(newest.hash, '\\x'::bytea) || NEW.body);
  RETURN NEW;
END $$;
CREATE TRIGGER chain BEFORE INSERT ON e FOR EACH ROW EXECUTE FUNCTION chain();
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'append-only'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE OR DELETE ON e FOR EACH ROW EXECUTE FUNCTION refuse();
"""


def programs() -> Path | None:
    """The folder of the server's programs, if PostgreSQL is installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


def _owner() -> str | None:
    """The server refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


class Line:
    """One connection."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(WITHIN_S)
        self._socket.connect(str(path))
        words = b"user\0postgres\0database\0postgres\0\0"
        self._socket.sendall(struct.pack(">II", 8 + len(words), 196_608) + words)
        self._until_ready()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def query(self, sql: str) -> None:
        """One simple query, to its end; outside a transaction it is one."""
        data = sql.encode() + b"\0"
        self._socket.sendall(b"Q" + struct.pack(">I", 4 + len(data)) + data)
        self._until_ready()

    def _until_ready(self) -> None:
        held = b""
        while True:
            while len(held) < 5 or len(held) < 1 + struct.unpack_from(">I", held, 1)[0]:
                more = self._socket.recv(65_536)
                assert more, "the server hung up"
                held += more
            size = 1 + struct.unpack_from(">I", held, 1)[0]
            kind, message, held = held[:1], held[5:size], held[size:]
            assert kind != b"E", message.decode("utf-8", "replace")
            if kind == b"Z":
                return


@contextmanager
def server(folder: Path, binaries: Path) -> Iterator[Line]:
    """A new server in `folder` with the table of the comparison, and a line to it."""
    owner, data = _owner(), folder / "data"
    for above in (folder, folder.parent):  # the server's own user must get there
        above.chmod(0o711)
    data.mkdir(mode=0o700)
    if owner:
        shutil.chown(data, owner)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [str(binaries / program), "-D", str(data), *arguments],
            check=True,
            user=owner,
            cwd=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=WITHIN_S,
        )

    run("initdb", "--auth=trust", "--username=postgres", "--no-sync")
    run("pg_ctl", "start", "-w", "-o", f"-k {data} -p {PORT} -c listen_addresses=''", "-l", "log")
    try:
        line = Line(data / f".s.PGSQL.{PORT}")
        try:
            line.query(SETUP)
            yield line
        finally:
            line.close()
    finally:
        run("pg_ctl", "stop", "-w", "-m", "immediate")
