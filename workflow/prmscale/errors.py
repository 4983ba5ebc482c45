"""Errors meant for the person running the study: what is wrong, where, and what to do."""


class UserError(Exception):
    """A fault in the input (configuration, file, environment), reported without a traceback."""
