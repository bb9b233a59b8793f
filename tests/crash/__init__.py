"""Power cuts: what a disk may keep of what was written, and whether the ledger survives it."""
