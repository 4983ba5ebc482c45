"""Judging of answers and programs: what a reply says, whether it is right, and the sandbox that
runs code.
"""
