"""Runs model-written Python in a bubblewrap sandbox and brings back the values it returned, or what
it printed.

What it protects against: the program sees no network, an environment with nothing of the user's,
the Python installation read-only and nothing else of the machine. It has no capabilities, and can
become root of nothing: where the user is root, that is given up for a user that nobody else has
before the box opens. Every program (and every input of one that reads its input) has a `/tmp`, a
`/dev/shm`, processes, keys and IPC objects of its own, which end with it: none sees, changes or
outlives another; where one leaves connections, the next has a new box. Time, address space,
processes, open files, file sizes, room and output are limited. Verdicts cannot be forged: the
values of the asked calls (and what is printed for an input) are compared by this process, outside
the box, and expected values never enter it.

What it does not protect against: bugs of the kernel or of bubblewrap, and a program that guesses
how it is judged. Memory is limited for each process of a program, not for all together; where it
becomes short, the kernel is told to end programs first. Before Linux 5.14 the limit on processes
would count all that the user runs: there only root has it, and elsewhere the time limit ends a fork
bomb. Where a machine forbids namespaces within the box, each program has a new box instead, shared
by its inputs.
"""

from __future__ import annotations

import itertools
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from prmscale.errors import UserError
from prmscale.tasks.grading import values
from prmscale.tasks.grading.worker import Worker

_WORKER, _USER = (
    (Path(__file__).parent / f"sandbox_{name}.py").read_text() for name in ("worker", "user")
)
_GRACE = 10.0  # seconds that a busy machine may add to a program's, as no verdict may hang on that
_START = 60.0  # seconds that a box may take to start


@dataclass(frozen=True)
class Program:
    """Source text, and the expressions whose values are asked for once it has run.

    With `inputs` instead it is run anew for each, as the main module with that standard input; the
    values are what it printed, up to the first input on which it fails.
    """

    source: str
    calls: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    limit_each: bool = (
        False  # whether `Limits.seconds` hold for each call, not for all of them together
    )


@dataclass(frozen=True)
class Limits:
    """What one program may take; `seconds` hold for all its calls together, or for each of its
    inputs.

    A value longer than `value_kib` is told apart by its digest alone. `packages` is a folder that
    it may import from.
    """

    seconds: float = 6.0
    memory_mb: int = 512
    output_kib: int = 64
    processes: int = 16
    value_kib: int = 16
    packages: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Canonical values of the calls, or what was printed for the inputs (None: that one failed).

    `error` is what ended the program before them.
    """

    values: tuple[str | None, ...]
    error: str | None = None


_PACKAGES = "/packages"  # where the box has them
_USERS = range(
    1_879_048_192, 2_147_483_648
)  # numbers that systemd leaves free: 64 for each process there can be
_boxes = itertools.count()


def _box(packages: str | None = None) -> list[str]:
    """The bubblewrap command that a Python of this installation runs in."""
    prefix = sys.base_prefix
    shared = [
        path
        for path in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/bin")
        if Path(path).exists()
    ]
    binds = [part for path in shared for part in ("--ro-bind", path, path)]
    if not any(prefix.startswith(path) for path in ("/usr/lib", "/usr/bin")):
        binds += ["--ro-bind", prefix, prefix]
    if packages:
        binds += ["--ro-bind", packages, _PACKAGES]
    for device in ("null", "zero", "full", "random", "urandom"):
        binds += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    for link, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        binds += ["--symlink", f"/proc/self/fd{target}", f"/dev/{link}"]
    room = ["--size", str(64 << 20), "--tmpfs"]
    return [
        shutil.which("bwrap") or "bwrap",
        *["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv"],
        *["--uid", "0", "--gid", "0", "--cap-drop", "ALL"],
        # over the box alone, for the worker to give programs namespaces; they have none
        *["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETFCAP"],
        *[
            "--setenv",
            "OMP_NUM_THREADS",
            "1",
        ],  # else libraries start threads by the machine's cores
        *binds,
        *["--proc", "/proc", *room, "/dev/shm", *room, "/tmp", "--remount-ro", "/"],
        *["--chdir", "/tmp"],
    ]


def _python(source: str, *arguments: str) -> list[str]:
    """A Python without site packages, isolated; its source on the command line, so that no file of
    ours is bound.
    """
    binary = (
        Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    )
    return [str(binary), "-I", "-S", "-B", "-c", source, *arguments]


def _as_nobody(command: list[str], packages: str | None = None) -> list[str]:
    """The command; where the user is root, as a user that nobody else has, who can see Python and
    the packages.
    """
    user = _free_user() if os.geteuid() == 0 else None
    if user is None:
        return command
    shown = [os.path.realpath(path) for path in (sys.base_prefix, packages) if path]
    return [*_python(_USER, str(user), *shown), "--", *command]


def _free_user() -> int | None:
    """The number of a user that no other box has; None where root is only a name for a user without
    rights.
    """
    wanted = _USERS[(os.getpid() * 64 + next(_boxes) % 64) % len(_USERS)]
    lines = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    known = [range(int(first), int(first) + int(count)) for first, _, count in lines]
    users = [
        user for user in (wanted, 65534, known[-1][-1]) if any(user in numbers for numbers in known)
    ]
    return users[0] or None


@cache
def _trouble() -> str | None:
    """Why no Python starts in a box here, or None where it does."""
    if shutil.which("bwrap") is None:
        return "there is no command bwrap"
    command = _as_nobody([*_box(), *_python("")])
    tried = subprocess.run(
        command, capture_output=True, env={}, text=True, errors="replace", check=False
    )
    return (
        None
        if tried.returncode == 0
        else tried.stderr.strip()[-500:] or f"it ended with {tried.returncode}"
    )


@cache
def available() -> bool:
    """Whether a bubblewrap that works is here."""
    return _trouble() is None


def require(allow_unsafe: bool) -> None:
    """Raise UserError unless model-written code can be run as the configuration wants it."""
    if not allow_unsafe and not available():
        raise UserError(
            "model-written code runs only in a sandbox, and bubblewrap (bwrap) is missing or "
            f"cannot start here: {_trouble()}. Install it (apt-get install bubblewrap; on clusters "
            "ask for user namespaces), or accept the risk in so many words: "
            "code_execution.sandbox: 'none, I accept that model-written code runs unprotected'"
        )


def run(programs: Sequence[Program], limits: Limits, allow_unsafe: bool = False) -> list[Outcome]:
    """Run every program; outcome i belongs to program i, whatever the others do."""
    require(allow_unsafe)
    packages = _packages(limits.packages, allow_unsafe)
    shared = {**vars(limits), "packages": packages if allow_unsafe or not packages else _PACKAGES}
    if not allow_unsafe and not _limits_processes():
        shared["processes"] = None
    idle: SimpleQueue[Worker] = SimpleQueue()
    workers = [_worker(packages, allow_unsafe) for _ in range(min(_cores(), len(programs)))]
    for worker in workers:
        idle.put(worker)

    def one(program: Program) -> Outcome:
        worker = idle.get()
        try:
            # the worker keeps the limit itself; this one ends a worker that a program has blocked
            turns = len(program.calls) if program.limit_each else len(program.inputs)
            answer = _ask(
                worker, {**vars(program), **shared}, limits.seconds * max(1, turns) + _GRACE
            )
        finally:
            idle.put(worker)
        return _outcome(program, answer)

    try:
        with ThreadPoolExecutor(max(1, len(workers))) as pool:
            return list(pool.map(one, programs))
    finally:
        for worker in workers:
            worker.close()


def _packages(folder: str | None, allow_unsafe: bool) -> str | None:
    """The full path of the folder of packages, which those who run the programs must be able to
    read.
    """
    if folder is None:
        return None
    packages = Path(folder).expanduser().resolve()
    if not packages.is_dir():
        raise UserError(f"{folder}: no such folder (code_execution.packages in the configuration)")
    if os.geteuid() == 0 and not allow_unsafe:
        closed = next((path for path in (packages, *packages.iterdir()) if _closed(path)), None)
        if closed:
            raise UserError(
                f"{closed}: programs do not run as root and cannot read this. Try: chmod -R o+rX "
                f"{packages} (code_execution.packages in the configuration)"
            )
    return str(packages)


def _closed(path: Path) -> bool:
    """Whether a file or folder is there that other users cannot read."""
    wanted = 0o005 if path.is_dir() else 0o004
    return path.exists() and path.stat().st_mode & wanted != wanted


def _cores() -> int:
    """The cores that this process may use: so many boxes run side by side."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _limits_processes() -> bool:
    """Whether a limit on processes counts those of a box alone; before Linux 5.14 it counts all of
    its user's.
    """
    major, minor = platform.release().split(".")[:2]
    return os.geteuid() == 0 or (int(major), int(minor)) >= (5, 14)


def _worker(packages: str | None, allow_unsafe: bool) -> Worker:
    if allow_unsafe:
        return Worker(_python(_WORKER), {})
    return Worker(_as_nobody([*_box(packages), *_python(_WORKER, "boxed")], packages), {})


def _ask(worker: Worker, request: dict[str, Any], seconds: float) -> Any:
    """The answer of a worker; once more of a fresh one where none came, as that may not be the
    program's doing.
    """
    failed = False
    while True:
        if not worker.running and worker.ask({}, _START) is None:
            raise UserError(
                "the sandbox cannot start now, though it could before: is the machine out of "
                "memory?"
            )
        answer = worker.ask(request, seconds)
        if isinstance(answer, dict) and answer.get(
            "spent"
        ):  # not run: an earlier program has left something
            worker.close()
        elif answer is not None or failed:
            return answer
        else:
            failed = True


def _outcome(program: Program, answer: Any) -> Outcome:
    """The answer of a worker, trusted only as far as its form goes."""
    asked = len(program.inputs or program.calls)
    if isinstance(answer, dict) and isinstance(answer.get("values"), list):
        given = answer["values"]
        if len(given) == asked and all(v is None or isinstance(v, str) for v in given):
            return Outcome(tuple(given))
    error = answer.get("error") if isinstance(answer, dict) else None
    return Outcome((None,) * asked, str(error or "the program ended its worker"))


def same(value: str | None, expected: str, tolerance: float = values.ABSOLUTE) -> bool:
    """Whether two canonical values are equal by the rules of `values.py`; floats within
    `tolerance`.
    """
    return values.same(value, expected, tolerance, tolerance / 10)
