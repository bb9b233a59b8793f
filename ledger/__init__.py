"""The ledger: an append-only log of bytes that proves itself; it knows nothing of medicines."""
