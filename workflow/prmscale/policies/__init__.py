"""What writes solutions: pre-training of the ladder, released models, sampling."""
