"""What a study plans: its files, what its jobs do with them, and the memory that the jobs need.

Everything here is a pure function of the configuration. The workflow's rules and the projected
cost read it.
"""
