"""Where a run is: its jobs as they begin and end, the time left, and what it found at the end."""
