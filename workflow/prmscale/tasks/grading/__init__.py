"""Judging of answers and programs: finding them in a reply, comparing them, running code safely."""
