"""`cabinet report` and `cabinet assess`: what the ledger says, printed as text, CSV or JSON.

Not for what a report says (`reports.py`, `access_review.py`). One rule: the ledger is read, never
written.
"""

import csv
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cabinet import access_review, override_report, people_report, reports, visits_report
from cabinet.configuration import Configuration
from cabinet.journal import Attachments
from cabinet.keys import Keys
from cabinet.records import Body, decode_body
from ledger.store import Store

Rows = Sequence[tuple[str, ...]]


@contextmanager
def _entries(
    configuration: Configuration, folder: Path, keys: Keys
) -> Iterator[tuple[Iterator[Body], Attachments]]:
    """The ledger's entries from the first on, and the attachments that they name."""
    store = Store.open(folder / configuration.paths.ledger, keys.ledger, read_only=True)
    try:
        yield (decode_body(entry.body) for entry in store.entries()), Attachments(store)
    finally:
        store.close()


def report(
    configuration: Configuration, folder: Path, keys: Keys, name: str, form: str, *, names: bool
) -> int:
    """Print the report of this name; the exit status."""
    with _entries(configuration, folder, keys) as (bodies, attached):
        if name == "access":
            reviewed = access_review.replayed(bodies, attached)
            rows = access_review.matrix(reviewed, _now_ms(), names=names)
            _print(access_review.HEADINGS, rows, form)
            return 0
        if name == "people":
            _print(
                people_report.HEADINGS, people_report.changes(bodies, attached, names=names), form
            )
            return 0
        if name == "proofs":
            proofs = reports.proofs(bodies, attached, names=names)
            _print(reports.PROOF_HEADINGS, reports.proof_table(proofs), form)
            return 0
        if name == "visits":
            _print(
                visits_report.HEADINGS, visits_report.visits(bodies, attached, names=names), form
            )
            _print_head(configuration, folder, keys, form)
            return 0
        if name == "overrides":
            found = override_report.overrides(bodies, attached, names=names)
            _print(override_report.HEADINGS, [tuple(cells) for cells in found], form)
            return 0
        lines = reports.removals(bodies, attached, names=names)
    if form == "json":
        print(json.dumps([reports.plain(line) for line in lines], indent=2, ensure_ascii=False))
    else:
        _print(reports.HEADINGS, reports.table(lines), form)
    return 0


def assess_access(
    configuration: Configuration, folder: Path, keys: Keys, form: str, *, names: bool
) -> int:
    """Print the accounts that somebody must look at; the exit status."""
    with _entries(configuration, folder, keys) as (bodies, attached):
        reviewed = access_review.replayed(bodies, attached)
    found = access_review.findings(reviewed, _now_ms(), configuration.review, names=names)
    _print(access_review.FINDING_HEADINGS, access_review.table(found), form)
    if form == "text":
        people = len(reviewed.state.people)
        print(f"Findings: {len(found)}. People: {people}.")
    return 0


def _print_head(configuration: Configuration, folder: Path, keys: Keys, form: str) -> None:
    """What the ledger's signed head is, for a report that is printed and kept."""
    if form != "text":
        return
    with Store.open(folder / configuration.paths.ledger, keys.ledger, read_only=True) as store:
        head = store.newest_head()
        if head is not None:
            print(f"Signed head of the ledger, with the first {head.size} entries:\n{head.note}")


def _now_ms() -> int:
    return int(time.time() * 1000)


def _print(headings: Sequence[str], rows: Rows, form: str) -> None:
    if form == "json":
        told = [dict(zip(headings, row, strict=True)) for row in rows]
        print(json.dumps(told, indent=2, ensure_ascii=False))
    elif form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(headings)
        writer.writerows(reports.spreadsheet(rows))
    else:
        widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
        for row in (headings, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("  ".join(cells).rstrip())
