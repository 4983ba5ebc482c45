"""The generated world: its two tasks, its wordings and misreadings, and the pre-training corpus."""
