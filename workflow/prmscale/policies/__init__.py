"""Policies: pre-training of the ladder, released models, sampling of solutions."""
