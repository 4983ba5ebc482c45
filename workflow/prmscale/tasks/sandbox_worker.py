"""What runs inside the sandbox: forks for every program and sends the canonical values of its calls.

Its source is given to a bare Python on the command line; it imports the standard library alone.
"""

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any


def canonical(value: Any, depth: int = 0) -> Any:
    """A value as JSON in which equal values are equal and a list is not a tuple."""
    if depth > 20:
        return ["deep"]
    if value is None or isinstance(value, (bool, int, str)):
        return value if not isinstance(value, bool) else int(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else ["float", repr(value)]
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(canonical(v, depth + 1) for v in value)]
    if isinstance(value, (set, frozenset)):
        return ["set", *sorted((canonical(v, depth + 1) for v in value), key=repr)]
    if isinstance(value, dict):
        items = [[canonical(k, depth + 1), canonical(v, depth + 1)] for k, v in value.items()]
        return ["dict", *sorted(items, key=repr)]
    return ["object", type(value).__name__]


def child(request: dict[str, Any], pipe: int) -> None:
    """Run one program under its limits and write its values to the pipe."""
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, 64)
    os.setpgid(0, 0)
    size = request["memory_mb"] << 20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (int(request["seconds"]) + 1,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    resource.setrlimit(resource.RLIMIT_NPROC, (request["processes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    names: dict[str, Any] = {"__name__": "solution"}
    try:
        exec(compile(request["source"], "solution", "exec"), names)
    except BaseException as error:
        found: dict[str, Any] = {"error": type(error).__name__}
    else:
        values: list[str | None] = []
        for call in request["calls"]:
            try:
                values.append(json.dumps(canonical(eval(call, names))))
            except BaseException:
                values.append(None)
        found = {"values": values}
    data = json.dumps(found).encode()
    if len(data) > request["output_kib"] << 10:
        data = b'{"error": "OutputLimit"}'
    while data:
        data = data[os.write(pipe, data) :]


def answer(request: dict[str, Any]) -> str:
    """The answer line of one program, made in a fork that is gone afterwards with all its children."""
    receive, send = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            child(request, send)
        finally:
            os._exit(0)
    os.close(send)
    deadline, data = time.monotonic() + request["seconds"], b""
    limit = request["output_kib"] << 10
    error = "EndedEarly"
    while len(data) <= limit:
        ready, _, _ = select.select([receive], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            error = "TimeLimit"
            break
        piece = os.read(receive, 65536)
        if not piece:
            break
        data += piece
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(process, signal.SIGKILL)
    os.close(receive)
    os.waitpid(process, 0)
    try:
        found = json.loads(data)
        if isinstance(found, dict):
            return json.dumps(found)
    except ValueError:
        pass
    return json.dumps({"error": error})


def protect() -> None:
    """No program may read this process's memory or files (PR_SET_DUMPABLE = 4)."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
    except (ImportError, OSError):
        pass


if __name__ == "__main__":
    protect()
    for line in sys.stdin:
        sys.stdout.write(answer(json.loads(line)) + "\n")
        sys.stdout.flush()
