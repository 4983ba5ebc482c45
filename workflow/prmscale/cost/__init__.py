"""What a study would take before it runs: tokens, FLOPs, GPU hours and storage of every stage."""
