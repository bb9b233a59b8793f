"""Ledgers that released versions wrote, which every later version must read, verify and replay.

One folder a version: `ledger.db`, its throw-away keys and what must be found in it (`golden.json`),
a receipt, and the cabinet's description. All of it is invented. They are never written again; a
new version adds its own: `python -m tests.golden.write` makes tests/golden/VERSION. Only before a
version is released may its folder be removed and written anew.
"""
