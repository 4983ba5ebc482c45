"""Generation and scoring in batches: requests, scheduler, ledger and engines."""
