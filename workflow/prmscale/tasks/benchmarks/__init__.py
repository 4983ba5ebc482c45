"""Published benchmarks: the origin of their rows, their prompts and how solutions are judged."""
