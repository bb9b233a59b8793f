"""A receipt: one entry, the proof that it is in the log, and the signed head, in one text.

Pure. Source: c2sp.org/tlog-proof; the entry's body is its extra data. One rule: parsing is strict,
and a receipt proves nothing before `prove` and the head's signatures say so.
"""

from dataclasses import dataclass

from ledger.errors import WrongNote
from ledger.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from ledger.note import Checkpoint, decode_base64, encode_base64

HEADING = "c2sp.org/tlog-proof@v1"
MAX_RECEIPT_CHARACTERS = 262_144
MAX_PROOF_HASHES = 63


@dataclass(frozen=True)
class Receipt:
    """The entry at leaf `index`, its `proof` from the leaf's sibling up, and the head's note."""

    index: int
    body: bytes
    proof: tuple[bytes, ...]
    note: str

    @property
    def seq(self) -> int:
        """The entry's number, from 1."""
        return self.index + 1

    def prove(self, head: Checkpoint) -> None:
        """Raises WrongProof unless this body is where it says, under this head."""
        verify_inclusion(leaf_hash(self.body), self.index, head.size, self.proof, head.root)


def encode_receipt(receipt: Receipt) -> str:
    """The text of a `.tlog-proof` file."""
    lines = [HEADING, f"extra {encode_base64(receipt.body)}", f"index {receipt.index}"]
    lines += [encode_base64(hashed) for hashed in receipt.proof]
    return "\n".join((*lines, "", receipt.note))


def parse_receipt(text: str) -> Receipt:
    """The receipt in `text`, nothing of it proven yet."""
    if len(text) > MAX_RECEIPT_CHARACTERS:
        raise WrongNote(f"a receipt has at most {MAX_RECEIPT_CHARACTERS} characters")
    proof, separator, note = text.partition("\n\n")
    heading, *lines = proof.split("\n")
    if heading != HEADING or not separator:
        raise WrongNote(f"a receipt begins with {HEADING} and has an empty line before its head")
    if len(lines) < 2 or len(lines) - 2 > MAX_PROOF_HASHES:
        raise WrongNote("a receipt has the lines extra, index, and at most 63 hashes")
    body = decode_base64(_after("extra ", lines[0]), "a receipt's entry")
    number = _after("index ", lines[1])
    if not (number.isascii() and number.isdigit()) or (number[0] == "0" and number != "0"):
        raise WrongNote("a receipt's index is not a plain decimal number")
    if len(number) > 19:
        raise WrongNote("a receipt's index is out of range")
    hashes = tuple(decode_base64(line, "a receipt's hash") for line in lines[2:])
    if any(len(hashed) != HASH_BYTES for hashed in hashes):
        raise WrongNote(f"a receipt's hashes have {HASH_BYTES} bytes")
    return Receipt(int(number), body, hashes, note)


def _after(prefix: str, line: str) -> str:
    if not line.startswith(prefix):
        raise WrongNote(f"a receipt's line does not begin with {prefix.strip()!r}")
    return line.removeprefix(prefix)
