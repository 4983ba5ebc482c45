"""From tables to intervals, verdicts and the check for contamination."""
