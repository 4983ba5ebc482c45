"""Published benchmarks: where their rows come from, and how each is asked and judged."""
