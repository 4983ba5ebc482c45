"""Labelling of steps: each method a generator in a module of its own."""
