"""Runs inside the sandbox: forks for every program and sends its values, or its output.

The worker itself reads no request, since its memory is copied to all programs. Instead it forks a
steward for each request, which reads it, forks the program, and answers. So a program finds nothing
of other programs in its memory: no source, and no values that it could give as its own.

Each program gets its own user, process, mount and IPC namespaces: a `/tmp` that no other program
sees, and no process that outlives it. If the machine does not allow namespaces in the box, a box is
spent after one program.

This source is passed to a bare Python on the command line, after that of `sandbox_values.py` and
with a filter of system calls if it runs in a box (`sandbox_calls.py`); it imports only the standard
library.
"""

import atexit
import builtins
import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

if __name__ != "__main__":
    from prmscale.tasks.grading.sandbox_values import text_of

# flags of unshare
NEW_USER, NEW_PROCESSES, NEW_MOUNTS, NEW_IPC = 0x10000000, 0x20000000, 0x00020000, 0x08000000
READ_ONLY, NOSUID, NODEV, NOEXEC = 1, 2, 4, 8  # of mount
PR_SET_DUMPABLE, PR_SET_SECCOMP, SECCOMP_FILTER = 4, 22, 2
NO_CAPABILITIES = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # of capset
ROOM = "size=64m,nr_inodes=16384,mode=700"  # what a program may write to /tmp, and to /dev/shm
# pages, queues and semaphores of System V
IPC = {"shmall": "16384", "msgmni": "16", "sem": "32 1024 32 32"}
FILES = 256  # open at once
PAUSE = 0.05  # seconds between two looks at the memory
IDLE, RAN = 10, 11  # how a steward ends: whether it has run a program


def system(name: str, *arguments: Any) -> None:
    """Call a function of the C library, or raise OSError."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), name)


def mount(kind: str, folder: str, flags: int, options: str = "") -> None:
    """Mount a new file system on the folder, without set-user-id programs and devices."""
    name = kind.encode()
    system("mount", name, folder.encode(), name, flags | NOSUID | NODEV, options.encode())


def separate() -> None:
    """Move this process, the first of its process namespace, to new user, mount and IPC namespaces.

    It gets empty folders to write to, and a `/proc` that shows only its namespace.
    """
    # without this, the process does not own its files in /proc
    system("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)
    outer = os.open("/proc", os.O_PATH)
    system("unshare", NEW_MOUNTS | NEW_IPC)
    mount("tmpfs", "/tmp", 0, ROOM)
    mount("tmpfs", "/dev/shm", 0, ROOM)
    mount("proc", "/proc", READ_ONLY | NOEXEC)
    os.chdir("/tmp")  # the folder of before lies below the new one
    for name, most in IPC.items():
        with contextlib.suppress(OSError):  # older kernels give these to root alone
            write(outer, f"sys/kernel/{name}", most)
    system("unshare", NEW_USER)
    write(outer, "self/setgroups", "deny")
    # the box's root, which is nobody outside, becomes nobody again
    write(outer, "self/uid_map", "65534 0 1")
    write(outer, "self/gid_map", "65534 0 1")
    write(outer, "self/oom_score_adj", "1000")  # where memory is short, programs go first
    write(outer, "sys/user/max_user_namespaces", "0")  # within, nobody becomes root of another
    os.close(outer)


def write(folder: int, path: str, text: str) -> None:
    """Write to a file of the kernel."""
    file = os.open(path, os.O_WRONLY, dir_fd=folder)
    os.write(file, text.encode())
    os.close(file)


def fork(nested: bool) -> int:
    """Fork; if nested, into a new process namespace, which ends with the child."""
    if not nested:
        return os.fork()
    namespace = os.open("/proc/self/ns/pid", os.O_RDONLY)
    system("unshare", NEW_PROCESSES)
    process = os.fork()
    if process:
        system("setns", namespace, 0)  # so that the next child can be the first of another one
    os.close(namespace)
    return process


def limit(kind: int, most: int) -> None:
    """Limit a resource of this process and its children; a lower limit stays."""
    has = resource.getrlimit(kind)[1]
    most = most if has == resource.RLIM_INFINITY else min(most, has)
    resource.setrlimit(kind, (most, most))


def confine(request: dict[str, Any], streams: tuple[int, int, int], kept: int) -> None:
    """Set the standard streams and limits of this fork, and close all other files but `kept`."""
    for stream, descriptor in enumerate(streams):
        os.dup2(descriptor, stream)
    os.closerange(3, kept)
    os.closerange(max(3, kept + 1), FILES)
    turns = len(request["calls"]) if request["limit_each"] else 1
    limit(resource.RLIMIT_AS, request["memory_mb"] << 20)
    limit(resource.RLIMIT_CPU, int(request["seconds"] * turns) + 1)
    limit(resource.RLIMIT_FSIZE, 1 << 20)
    limit(resource.RLIMIT_NOFILE, FILES)
    limit(resource.RLIMIT_CORE, 1)  # at 0, a machine may still start its own handler of crashes
    if request["processes"]:
        limit(resource.RLIMIT_NPROC, request["processes"])
    if request["packages"]:
        sys.path.append(request["packages"])


def module(name: str) -> dict[str, Any]:
    """The namespace of a new module in sys.modules, where dataclasses and pickle look it up."""
    sys.modules[name] = types.ModuleType(name)
    return vars(sys.modules[name])


def call(request: dict[str, Any], pipe: int) -> None:
    """Run one program and write the value of each call to the pipe, a line each.

    With `limit_each`, each value is written at once.
    """
    quiet = os.open(os.devnull, os.O_RDWR)
    confine(request, (quiet, quiet, quiet), pipe)
    names = module("solution")
    try:
        exec(compile(request["source"], "solution", "exec"), names)
    except BaseException as error:
        send(pipe, [{"error": type(error).__name__}])
        return
    values: list[str | None] = []
    for expression in request["calls"]:
        values.append(None)
        with contextlib.suppress(BaseException):
            values[-1] = text_of(eval(expression, names), request["value_kib"] << 10)
        if request["limit_each"]:
            send(pipe, [values.pop()])
    send(pipe, values)


def send(pipe: int, values: list[Any]) -> None:
    """Write values to the pipe, a line each."""
    data = b"".join(json.dumps(value).encode() + b"\n" for value in values)
    while data:
        data = data[os.write(pipe, data) :]


def main_module(request: dict[str, Any], given: int, pipe: int) -> None:
    """Run one program as the main module, from file `given` to the pipe, and exit like Python."""
    confine(request, (given, pipe, os.open(os.devnull, os.O_RDWR)), -1)
    streams: Any = sys  # the type checker takes __stdin__ for a constant
    streams.stdin = streams.__stdin__ = open(0, encoding="utf-8")  # noqa: SIM115
    streams.stdout = streams.__stdout__ = open(1, "w", encoding="utf-8")  # noqa: SIM115
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # what the module site would bring
    sys.argv = ["solution.py"]
    status = 0
    try:
        exec(compile(request["source"], "solution", "exec"), module("__main__"))
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


def run_fork(
    work: Callable[[int], None], request: dict[str, Any], lines: int | None
) -> tuple[bytes, str | None, int]:
    """Run `work` in a fork, then kill the fork with all its children.

    Returns the bytes that `work` wrote to its pipe, an error (or None) and the fork's process id.
    Waits for at most `lines` lines; with `limit_each`, the time limit holds for each line.
    """
    receive, send = os.pipe()
    os.set_blocking(receive, False)
    process = fork(request["nested"])
    if process == 0:
        try:
            os.setsid()
            if request["nested"]:
                separate()
            if request["boxed"]:
                system("capset", *NO_CAPABILITIES)  # for good, as bubblewrap forbids to gain any
            work(send)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(send)
    data, error = receive_lines(receive, request, lines)
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(process, signal.SIGKILL)
    os.close(receive)
    return data, error, process


def status(process: int) -> int:
    """Wait until a fork and its children are gone; its exit status, not 0 if it failed."""
    return os.waitpid(process, 0)[1]


def receive_lines(
    pipe: int, request: dict[str, Any], lines: int | None
) -> tuple[bytes, str | None]:
    """The bytes from the pipe until its end, a limit or the last line; and an error (or None)."""
    now, data = time.monotonic(), b""
    deadline, look = now + request["seconds"], now + PAUSE
    while len(data) <= request["output_kib"] << 10:
        ready = select.select([pipe], [], [], max(0.0, min(deadline, look) - now))[0]
        now = time.monotonic()
        if now >= look:
            look = now + PAUSE
            if request["boxed"] and measure_memory() > request["memory_mb"] << 10:
                return data, "MemoryLimit"
        if not ready:
            if now >= deadline:
                return data, "TimeLimit"
            continue
        try:
            piece = os.read(pipe, 65536)
        except BlockingIOError:  # the program has read back what it had written
            continue
        data += piece
        if not piece or (lines and data.count(b"\n") >= lines):
            return data, None
        if request["limit_each"] and b"\n" in piece:
            deadline = now + request["seconds"]
    return data, "OutputLimit"


def measure_memory() -> int:
    """The KiB of main memory of all processes of the box but the worker's. Files do not count; what
    processes share counts for each of them.
    """
    total = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in (os.getpid(), os.getppid()):
            with contextlib.suppress(OSError), open(f"/proc/{name}/status") as file:
                kinds = [line.split() for line in file if line.startswith(("RssAnon", "RssShmem"))]
                total += sum(int(kib) for _, kib, _ in kinds)
    return total


def run_main(request: dict[str, Any], given: str) -> str | None:
    """The output of the program for one input; None if it fails."""
    import tempfile  # here, since every imported module slows the forks down

    with tempfile.TemporaryFile() as file:
        file.write(given.encode())
        file.seek(0)
        data, error, process = run_fork(
            lambda pipe: main_module(request, file.fileno(), pipe), request, None
        )
    return data.decode(errors="replace") if status(process) == 0 and error is None else None


def run_calls(request: dict[str, Any]) -> dict[str, Any]:
    """The values of the calls, or the error; with `limit_each`, those before a failure count."""
    asked = len(request["calls"])
    data, error, process = run_fork(lambda pipe: call(request, pipe), request, asked)
    try:
        found = [json.loads(line) for line in data.split(b"\n")[:-1]]
    except (ValueError, RecursionError):
        found = []
    if found and isinstance(found[0], dict):
        return {"error": text_or_none(found[0].get("error"))}
    found = [text_or_none(value) for value in found]
    whole = len(found) >= asked if asked else status(process) == 0
    if error == "OutputLimit" or not (whole or (request["limit_each"] and found)):
        return {"error": error or "EndedEarly"}
    return {"values": found[:asked] + [None] * (asked - len(found))}


def text_or_none(value: Any) -> str | None:
    """The value that a program has sent, if it is a text."""
    return value if isinstance(value, str) else None


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to the request of one program."""
    if not request["inputs"]:
        return run_calls(request)
    values: list[str | None] = []
    for given in request["inputs"]:
        values.append(None if None in values else run_main(request, given))
    return {"values": values}


def can_nest() -> bool:
    """Whether programs can have their own namespaces here."""
    limits = {"seconds": 10.0, "memory_mb": 64, "output_kib": 1, "limit_each": False}
    trial = {"boxed": True, "nested": True, **limits}
    try:
        return status(run_fork(lambda pipe: None, trial, None)[2]) == 0
    except OSError:
        return False


def has_connections() -> bool:
    """Whether the kernel still holds connections of finished programs of this box."""
    with open("/proc/net/sockstat") as file:
        counts = next(line.split() for line in file if line.startswith("TCP:"))
    return counts[2] != "0" or counts[counts.index("tw") + 1] != "0"


def reply(kind: dict[str, bool], spent: bool) -> None:
    """Read a request, answer it, and exit; a spent box runs no further program."""
    ended = 0
    try:
        if line := sys.stdin.readline():
            request = json.loads(line)
            ran = bool(request) and not spent
            found = answer({**request, **kind}) if ran else {"spent": True} if request else {}
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()
            ended = RAN if ran else IDLE
        with contextlib.suppress(ChildProcessError):
            while True:
                os.wait()
    finally:
        os._exit(ended)


def serve(boxed: bool) -> None:
    """Fork a steward for each request, until one fails or there are no more."""
    nested = boxed and can_nest()
    kind, spent = {"boxed": boxed, "nested": nested}, False
    compile("", "", "exec")  # prepares the compiler once, not in each fork
    gc.freeze()  # otherwise the collector copies memory pages in each fork
    while select.select([sys.stdin], [], []):
        steward = os.fork()
        if steward == 0:
            reply(kind, spent)
        ended = os.waitstatus_to_exitcode(status(steward))
        if ended not in (IDLE, RAN):
            return
        spent = spent or (ended == RAN and boxed and (not nested or has_connections()))


def refuse_calls(code: bytes) -> None:
    """Refuse these system calls to this process and its children, for good."""
    instructions = ctypes.create_string_buffer(code, len(code))
    program = (ctypes.c_uint64 * 2)(len(code) // 8, ctypes.addressof(instructions))
    system("prctl", PR_SET_SECCOMP, SECCOMP_FILTER, program, 0, 0)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        # no program may read this process's memory or files
        system("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)
        refuse_calls(bytes.fromhex(sys.argv[1]))
    serve(len(sys.argv) > 1)
