"""prmscale: how process reward models generalise in test-time scaling."""

import gc

# Imports, searches and labels make millions of objects without cycles; at Python's own threshold
# garbage collection takes a seventh of the start of a job and a quarter of the time of a search.
gc.set_threshold(200_000, 20, 20)
