"""Tasks: problems of every kind, how their solutions are split in steps and judged."""
