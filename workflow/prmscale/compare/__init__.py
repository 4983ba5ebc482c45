"""Finished studies side by side: configurations, verdicts, numbers and their differences."""
