"""What runs inside the sandbox: forks for every program and sends the values of its calls, or what it printed.

Its source is given to a bare Python on the command line; it imports the standard library alone.
"""

import atexit
import builtins
import contextlib
import hashlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
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


def confine(request: dict[str, Any], streams: tuple[int, int, int], kept: int) -> None:
    """Give this fork its standard streams, close all other files but one, and set its limits."""
    for stream, descriptor in enumerate(streams):
        os.dup2(descriptor, stream)
    os.closerange(3, kept)
    os.closerange(max(3, kept + 1), 64)
    os.setpgid(0, 0)
    size = request["memory_mb"] << 20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (int(request["seconds"]) + 1,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    resource.setrlimit(resource.RLIMIT_NPROC, (request["processes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if request["packages"]:
        sys.path.append(request["packages"])


def text_of(value: Any, longest: int) -> str:
    """A value as canonical JSON text; where it is too long, its digest."""
    text = json.dumps(canonical(value))
    return text if len(text) <= longest else json.dumps(["long", hashlib.blake2b(text.encode()).hexdigest()])


def call(request: dict[str, Any], pipe: int) -> None:
    """Run one program and write the values of its calls to the pipe."""
    quiet = os.open(os.devnull, os.O_RDWR)
    confine(request, (quiet, quiet, quiet), pipe)
    names: dict[str, Any] = {"__name__": "solution"}
    try:
        exec(compile(request["source"], "solution", "exec"), names)
    except BaseException as error:
        found: dict[str, Any] = {"error": type(error).__name__}
    else:
        values: list[str | None] = []
        for expression in request["calls"]:
            try:
                values.append(text_of(eval(expression, names), request["value_kib"] << 10))
            except BaseException:
                values.append(None)
        found = {"values": values}
    data = json.dumps(found).encode()
    if len(data) > request["output_kib"] << 10:
        data = b'{"error": "OutputLimit"}'
    while data:
        data = data[os.write(pipe, data) :]


def main_module(request: dict[str, Any], given: int, pipe: int) -> None:
    """Run one program as the main module, from the file `given` to the pipe; exits as Python itself would."""
    confine(request, (given, pipe, os.open(os.devnull, os.O_RDWR)), -1)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8")  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8")  # type: ignore[misc]  # noqa: SIM115
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # what the module site would bring
    status = 0
    try:
        exec(compile(request["source"], "solution", "exec"), {"__name__": "__main__"})
    except SystemExit as error:
        status = int(error.code not in (None, 0))
    except BaseException:
        status = 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(status)


def forked(work: Callable[[int], None], seconds: float, longest: int) -> tuple[bytes, int, str | None]:
    """What `work` writes to its pipe in a fork that is gone afterwards with all its children; its status; an error."""
    receive, send = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            work(send)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(send)
    deadline, data, error = time.monotonic() + seconds, b"", None
    while len(data) <= longest:
        ready, _, _ = select.select([receive], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            error = "TimeLimit"
            break
        piece = os.read(receive, 65536)
        if not piece:
            break
        data += piece
    else:
        error = "OutputLimit"
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(process, signal.SIGKILL)
    os.close(receive)
    return data, os.waitpid(process, 0)[1], error


def printed(request: dict[str, Any], given: str) -> str | None:
    """What the program prints for one input, or None where it fails."""
    with tempfile.TemporaryFile() as file:
        file.write(given.encode())
        file.seek(0)
        data, status, error = forked(
            lambda pipe: main_module(request, file.fileno(), pipe), request["seconds"], request["output_kib"] << 10
        )
    return data.decode(errors="replace") if status == 0 and error is None else None


def answer(request: dict[str, Any]) -> str:
    """The answer line of one program."""
    if request["inputs"]:
        values: list[str | None] = []
        for given in request["inputs"]:
            values.append(None if None in values else printed(request, given))
        return json.dumps({"values": values})
    data, _, error = forked(lambda pipe: call(request, pipe), request["seconds"], request["output_kib"] << 10)
    try:
        found = json.loads(data)
        if isinstance(found, dict):
            return json.dumps(found)
    except ValueError:
        pass
    return json.dumps({"error": error or "EndedEarly"})


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
