"""What generates and scores in batches: requests, scheduler, ledger, and the engines behind them."""
