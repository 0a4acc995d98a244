"""Files, evaluations, leases and the ledger in one SQLite database; knows nothing of HTTP."""
