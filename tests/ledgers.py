"""What the ledger's tests share: keys, bodies, other processes, and a disk that refuses."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.attachment import Attachment, make_attachment
from ledger.note import Signer, Verifier

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
ORIGIN = "site/adc/cabinet/1"
SIGNER = Signer(ORIGIN, bytes(32))
VERIFIER = Verifier(SIGNER.vkey)
ROOT = Path(__file__).resolve().parent.parent


def body(seq: int) -> bytes:
    return b'{"seq":%d,"what":"something that happened"}' % seq


def bodies(start: int, stop: int) -> list[bytes]:
    return [body(seq) for seq in range(start, stop)]


def attachment(text: bytes) -> Attachment:
    return make_attachment("person", b"salt of sixteen.", text)


def run(script: str, *arguments: object, prefix: tuple[str, ...] = ()) -> str:
    """Another process with the ledger; what it printed."""
    command = [*prefix, sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(
        command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


WRITER = """
import sys
from ledger.store import Store
path, first = sys.argv[1], int(sys.argv[2])
with Store.open(path, bytes(range(32))) as ledger:
    while True:
        number = ledger.append([b"%d of run %d" % (ledger.size + 1, first)] * (ledger.size % 3 + 1))
        print(ledger.size, flush=True)
        if ledger.size % 7 == 0:
            ledger.checkpoint()
"""


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
