"""A helper process that answers requests in JSON lines, with a time limit for each.

A process that hangs or dies is replaced by a new one.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any


class Worker:
    """Runs `command`, which answers each JSON line on its standard input with one JSON line."""

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: Any, seconds: float) -> Any | None:
        """The answer; None if none came in time or the process died.

        The next request then starts a new process.
        """
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = self._read_line(process.stdout.fileno(), time.monotonic() + seconds)
            return json.loads(line)
        except (OSError, TimeoutError, ValueError, RecursionError):
            self.close()
            return None

    @property
    def running(self) -> bool:
        """Whether there is a process that has not failed."""
        return self._process is not None

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        )
        return self._process

    @staticmethod
    def _read_line(descriptor: int, deadline: float) -> bytes:
        """One line from the process, read directly from the pipe so that a time limit can hold."""
        data = b""
        while not data.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            piece = os.read(descriptor, 1 << 16)
            if not piece:
                raise BrokenPipeError
            data += piece
        return data

    def close(self) -> None:
        """End the process and close its pipes."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # unsent bytes for a process that is gone
                        pipe.close()
            self._process = None
