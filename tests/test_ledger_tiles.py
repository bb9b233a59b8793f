"""Tiles and receipts in C2SP's exact form: paths, widths, bytes, and the roots they lead to."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import LedgerError, WrongNote, WrongTile
from ledger.merkle import Frontier, leaf_hash, perfect_levels
from ledger.note import Checkpoint
from ledger.receipt import Receipt, encode_receipt, parse_receipt
from ledger.tiles import (
    Tile,
    bundle_path,
    decode_bundle,
    edge,
    edge_root,
    encode_bundle,
    split_hashes,
    tile_root,
    tiles,
)
from tests.ledgers import ORIGIN, SIGNER, body

LEAVES = [leaf_hash(body(seq)) for seq in range(1, 700)]


def root_of(leaves: list[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier.add_perfect(0, leaf)
    return frontier.root()


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(2, 67), "tile/2/067"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(1, 1000, 17), "tile/1/x001/000.p/17"),
    ],
)
def test_a_tile_is_where_the_specification_puts_it(tile: Tile, path: str) -> None:
    assert tile.path == path


def test_an_entry_bundle_is_beside_them() -> None:
    assert bundle_path(273, 112) == "tile/entries/273.p/112"
    assert bundle_path(999) == "tile/entries/999"


def test_a_tree_of_70000_has_the_tiles_of_the_specification_s_example() -> None:
    found = list(tiles(70_000))
    full = [tile for tile in found if tile.width == 256]
    partial = [tile for tile in found if tile.width < 256]
    assert (len([t for t in full if t.level == 0]), len([t for t in full if t.level == 1])) == (
        273,
        1,
    )
    assert partial == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert edge(70_000) == partial[::-1]
    assert list(tiles(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert not list(tiles(0))


def test_a_tile_knows_its_entries() -> None:
    assert (Tile(0, 2, 5).first, Tile(0, 2, 5).last) == (513, 517)
    assert (Tile(1, 0, 2).first, Tile(1, 0, 2).last) == (1, 512)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 511, 512, 513, 699])
def test_the_partial_tiles_lead_to_the_root(size: int) -> None:
    leaves = LEAVES[:size]
    low = {t.index: leaves[t.index * 256 :][: t.width] for t in tiles(size) if t.level == 0}
    high = [tile_root(hashes) for hashes in low.values() if len(hashes) == 256]
    partial = [(tile, high if tile.level else low[tile.index]) for tile in edge(size)]
    assert edge_root(partial) == root_of(leaves)


def test_perfect_levels_are_the_nodes_that_the_rows_hold() -> None:
    frontier = Frontier()
    rows = [frontier.add(body(seq)) for seq in range(1, 257)]
    levels = perfect_levels(LEAVES[:256])
    for level, hashes in enumerate(levels):
        for index, hashed in enumerate(hashes):
            row = rows[((index + 1) << level) - 1]
            assert row[32 * level : 32 * level + 32] == hashed
    other = Frontier()
    assert other.add_perfect(8, levels[8][0]) == b"" and other.root() == frontier.root()


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=20))
def test_a_bundle_reads_back(bodies: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(bodies), len(bodies)) == bodies


@given(st.binary(max_size=400), st.integers(1, 256))
def test_no_bytes_make_a_bundle_fail_otherwise(data: bytes, width: int) -> None:
    with suppress(WrongTile):
        assert encode_bundle(decode_bundle(data, width)) == data


def test_a_tile_of_another_width_is_refused() -> None:
    assert split_hashes(b"".join(LEAVES[:5]), Tile(0, 0, 5)) == LEAVES[:5]
    for data in (b"", bytes(159), bytes(161), bytes(192)):
        with pytest.raises(WrongTile, match="not 5 hashes"):
            split_hashes(data, Tile(0, 0, 5))


RECEIPT = Receipt(
    2, body(3), (LEAVES[3], LEAVES[0]), SIGNER.sign(Checkpoint(ORIGIN, 4, bytes(32)).text())
)


def test_a_receipt_is_a_tlog_proof_with_its_entry_as_extra_data() -> None:
    lines = encode_receipt(RECEIPT).split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1].startswith("extra ") and lines[2] == "index 2"
    assert lines[5:8] == ["", ORIGIN, "4"]
    assert parse_receipt(encode_receipt(RECEIPT)) == RECEIPT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 2", "index 02"),
        ("index 2", "index -2"),
        ("index 2", "index \u0662"),
        ("index 2", "index " + "9" * 20),
        ("index 2\n", ""),
        ("extra ", "other "),
        ("\n\n", "\n"),
    ],
)
def test_a_receipt_has_one_spelling(old: str, new: str) -> None:
    text = encode_receipt(RECEIPT).replace(old, new, 1)
    if old == "\n\n":
        text = text.replace("\n\n", "\n")
    with pytest.raises(WrongNote):
        parse_receipt(text)


def test_a_receipt_with_too_much_in_it_is_refused() -> None:
    with pytest.raises(WrongNote, match="63"):
        parse_receipt(encode_receipt(Receipt(2, b"x", (bytes(32),) * 64, RECEIPT.note)))
    with pytest.raises(WrongNote, match="32 bytes"):
        parse_receipt(encode_receipt(Receipt(2, b"x", (bytes(31),), RECEIPT.note)))
    with pytest.raises(WrongNote, match="characters"):
        parse_receipt("c2sp.org/tlog-proof@v1\n" * 20_000)


@settings(max_examples=300)
@given(st.text(max_size=60), st.integers(0, 300))
def test_no_text_makes_reading_a_receipt_fail_otherwise(text: str, at: int) -> None:
    good = encode_receipt(RECEIPT)
    for tried in (text, good[:at] + text + good[at:]):
        with suppress(LedgerError):
            parse_receipt(tried)
