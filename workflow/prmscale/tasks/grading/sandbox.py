"""Runs model-written Python in a bubblewrap sandbox, the box, and returns its values or its output.

What it protects against: the program sees no network, an empty environment, the Python installation
read-only, and nothing else of the machine's files and processes. It has no capabilities and cannot
become root: if the user is root, the process gives up root for an unused user before the box opens.
Every program (and every input of a program that reads input) has its own memory, `/tmp`,
`/dev/shm`, processes and IPC objects, which end with it; no program sees, changes or outlives
another. If a program leaves connections behind, the next program has a new box. System calls that
no namespace separates are refused (`sandbox_calls.py`). Time, address space, processes, open files,
file sizes, disk space and output are limited. Verdicts cannot be forged: this process compares the
values and the output outside the box, and expected values never enter it.

What it does not protect against:

- bugs of the kernel, of bubblewrap or of the processor (side channels);
- a program that guesses how it is judged: it knows all its calls before the first, and may answer
  them without computing anything;
- BigCodeBench's tests, which run beside the program, as that benchmark is made; the program can see
  them and answer for them;
- the use of memory for a moment: address space is limited for each process, and the memory of all
  processes of a program twenty times a second. If memory runs short, the kernel ends programs
  first, and those fail. There is no cgroup, since a job may seldom make one: on clusters the job's
  own limit holds;
- a slow machine: the time limit is wall time, so neighbours may make a slow program fail;
- what the kernel tells everybody: the machine's name, load, memory, processors and mounts;
- a fork bomb before Linux 5.14, where a limit on processes would count all processes of the user:
  only root sets it there, for others the time limit ends the bomb;
- the inputs of one program before each other, if a machine forbids namespaces within the box: then
  each program has a new box, which its inputs share;
- anything, where `code_execution.sandbox` accepts unprotected execution.
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
from prmscale.tasks.grading.sandbox_calls import build_filter
from prmscale.tasks.grading.worker import Worker


def _read_source(*names: str) -> str:
    """The source of these modules, one after the other."""
    files = [Path(__file__).parent / f"sandbox_{name}.py" for name in names]
    return "".join(file.read_text() for file in files)


_WORKER, _USER = _read_source("values", "worker"), _read_source("user")
_GRACE = 10.0  # seconds more than the limit, since a verdict must not depend on a busy machine
_START = 60.0  # seconds that a box may take to start
_STARTS = 3  # tries to start one, since whoever kills processes may kill a new one too


@dataclass(frozen=True)
class Program:
    """Source text, and the expressions whose values are asked for after it has run.

    With `inputs`, it instead runs once for each input, as the main module with that standard input;
    its values are the outputs, up to the first input on which it fails. With `limit_each`,
    `Limits.seconds` is the limit of each call, not of all calls together.
    """

    source: str
    calls: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    limit_each: bool = False


@dataclass(frozen=True)
class Limits:
    """The limits of one program; `seconds` is for all its calls together, or for each input.

    A value longer than `value_kib` is replaced by its digest. Programs may import from the folder
    `packages`.
    """

    seconds: float = 6.0
    memory_mb: int = 512
    output_kib: int = 64
    processes: int = 16
    value_kib: int = 16
    packages: str | None = None


@dataclass(frozen=True)
class Outcome:
    """Canonical values of the calls, or the outputs for the inputs (None: that one failed).

    `error` is the error that ended the program before them.
    """

    values: tuple[str | None, ...]
    error: str | None = None


_PACKAGES = "/packages"  # the folder of packages in the box
# user ids that systemd leaves unused: 64 for each possible process
_USERS = range(1_879_048_192, 2_147_483_648)
_boxes = itertools.count()


def _box(packages: str | None = None) -> list[str]:
    """The bubblewrap command that runs a Python of this installation."""
    room = ["--size", str(64 << 20), "--tmpfs"]
    return [
        shutil.which("bwrap") or "bwrap",
        *["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--clearenv"],
        *["--uid", "0", "--gid", "0", "--cap-drop", "ALL"],
        # for the worker alone, which creates namespaces for programs; programs do not have them
        *["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SETFCAP"],
        # without this, libraries start a thread per core of the machine
        *["--setenv", "OMP_NUM_THREADS", "1"],
        *_bind_files(packages),
        *_bind_devices(),
        *["--proc", "/proc", *room, "/dev/shm", *room, "/tmp", "--remount-ro", "/"],
        *["--chdir", "/tmp"],
    ]


def _bind_files(packages: str | None) -> list[str]:
    """The options that show Python, the system's libraries and the packages, read-only."""
    binds = []
    for path in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/bin"):
        if Path(path).exists():
            binds += ["--ro-bind", path, path]
    if not sys.base_prefix.startswith(("/usr/lib", "/usr/bin")):
        binds += ["--ro-bind", sys.base_prefix, sys.base_prefix]
    if packages:
        binds += ["--ro-bind", packages, _PACKAGES]
    return binds


def _bind_devices() -> list[str]:
    """The options that show the harmless devices and the standard streams."""
    binds = []
    for device in ("null", "zero", "full", "random", "urandom"):
        binds += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    for link, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        binds += ["--symlink", f"/proc/self/fd{target}", f"/dev/{link}"]
    return binds


def _python(source: str, *arguments: str) -> list[str]:
    """The command of an isolated Python without site packages, with its source as an argument."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    binary = Path(sys.base_prefix) / "bin" / f"python{version}"
    return [str(binary), "-I", "-S", "-B", "-c", source, *arguments]


def _as_nobody(command: list[str], packages: str | None = None) -> list[str]:
    """The command; if the user is root, run as an unused user who can see Python and packages."""
    user = _free_user() if os.geteuid() == 0 else None
    if user is None:
        return command
    shown = [os.path.realpath(path) for path in (sys.base_prefix, packages) if path]
    return [*_python(_USER, str(user), *shown), "--", *command]


def _free_user() -> int | None:
    """The id of an unused user; None if root has no other users here and no real rights."""
    wanted = _USERS[(os.getpid() * 64 + next(_boxes) % 64) % len(_USERS)]
    lines = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    known = [range(int(first), int(first) + int(count)) for first, _, count in lines]
    for user in (wanted, 65534, known[-1][-1]):
        if any(user in users for users in known):
            return user or None
    return None


@cache
def _trouble() -> str | None:
    """The reason why no worker starts in a box here; None if one does."""
    if shutil.which("bwrap") is None:
        return "there is no command bwrap"
    if build_filter(platform.machine()) is None:
        return f"the numbers of the system calls of {platform.machine()} are not known"
    done = subprocess.run(
        _boxed_worker(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={},
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return None
    return done.stderr.strip()[-500:] or f"it ended with {done.returncode}"


@cache
def is_available() -> bool:
    """Whether bubblewrap works here."""
    return _trouble() is None


def require(allow_unsafe: bool) -> None:
    """Raise UserError unless model-written code can run as the configuration asks."""
    if not allow_unsafe and not is_available():
        raise UserError(
            "model-written code runs only in a sandbox, and bubblewrap (bwrap) is missing or "
            f"cannot start here: {_trouble()}. Install it (apt-get install bubblewrap; on clusters "
            "ask for user namespaces), or accept the risk explicitly: "
            "code_execution.sandbox: 'none, I accept that model-written code runs unprotected'"
        )


def run(programs: Sequence[Program], limits: Limits, allow_unsafe: bool = False) -> list[Outcome]:
    """The outcome of every program, which does not depend on the other programs."""
    require(allow_unsafe)
    packages = _find_packages(limits.packages, allow_unsafe)
    shared = {**vars(limits), "packages": packages if allow_unsafe or not packages else _PACKAGES}
    if not allow_unsafe and not _limits_processes():
        shared["processes"] = None
    idle: SimpleQueue[Worker] = SimpleQueue()
    workers = [_worker(packages, allow_unsafe) for _ in range(min(_cores(), len(programs)))]
    for worker in workers:
        idle.put(worker)

    def run_one(program: Program) -> Outcome:
        worker = idle.get()
        try:
            # the worker keeps the limit itself; this limit is for a worker that a program blocks
            turns = len(program.calls) if program.limit_each else len(program.inputs)
            seconds = limits.seconds * max(1, turns) + _GRACE
            answer = _ask(worker, {**vars(program), **shared}, seconds)
        finally:
            idle.put(worker)
        return _outcome(program, answer)

    try:
        with ThreadPoolExecutor(max(1, len(workers))) as pool:
            return list(pool.map(run_one, programs))
    finally:
        for worker in workers:
            worker.close()


def _find_packages(folder: str | None, allow_unsafe: bool) -> str | None:
    """The full path of the folder of packages; raises UserError if programs cannot read it."""
    if folder is None:
        return None
    packages = Path(folder).expanduser().resolve()
    if not packages.is_dir():
        raise UserError(f"{folder}: no such folder (code_execution.packages in the configuration)")
    if os.geteuid() == 0 and not allow_unsafe:
        closed = next((path for path in (packages, *packages.iterdir()) if _is_closed(path)), None)
        if closed:
            raise UserError(
                f"{closed}: programs do not run as root and cannot read this. Try: chmod -R o+rX "
                f"{packages} (code_execution.packages in the configuration)"
            )
    return str(packages)


def _is_closed(path: Path) -> bool:
    """Whether other users cannot read an existing file or folder."""
    wanted = 0o005 if path.is_dir() else 0o004
    return path.exists() and path.stat().st_mode & wanted != wanted


def _cores() -> int:
    """The number of cores that this process may use, which is the number of parallel boxes."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _limits_processes() -> bool:
    """Whether a limit on processes counts only those of a box.

    Before Linux 5.14 it counts all processes of the user.
    """
    major, minor = platform.release().split(".")[:2]
    return os.geteuid() == 0 or (int(major), int(minor)) >= (5, 14)


def _worker(packages: str | None, allow_unsafe: bool) -> Worker:
    if allow_unsafe:
        return Worker(_python(_WORKER), {})
    return Worker(_boxed_worker(packages), {})


def _boxed_worker(packages: str | None = None) -> list[str]:
    """The command of a worker in a box."""
    calls = build_filter(platform.machine()) or b""
    return _as_nobody([*_box(packages), *_python(_WORKER, calls.hex())], packages)


def _ask(worker: Worker, request: dict[str, Any], seconds: float) -> Any:
    """The answer of a worker.

    If none comes, a new worker is asked once more, since the program may not be the cause.
    """
    failed = False
    while True:
        starts = (worker.ask({}, _START) is not None for _ in range(_STARTS))
        if not worker.running and not any(starts):
            raise UserError(
                "the sandbox cannot start now, though it could before: is the machine out of "
                "memory?"
            )
        answer = worker.ask(request, seconds)
        if isinstance(answer, dict) and answer.get("spent"):
            worker.close()  # the program has not run, since an earlier one has left something
        elif answer is not None or failed:
            return answer
        else:
            failed = True


def _outcome(program: Program, answer: Any) -> Outcome:
    """The outcome in the answer of a worker, of which nothing is trusted but a valid form."""
    count = len(program.inputs or program.calls)
    if not isinstance(answer, dict):
        answer = {}
    given = answer.get("values")
    if isinstance(given, list) and len(given) == count and all(map(_is_value, given)):
        return Outcome(tuple(given))
    return Outcome((None,) * count, str(answer.get("error") or "the program ended its worker"))


def _is_value(value: Any) -> bool:
    return value is None or isinstance(value, str)


def matches(value: str | None, expected: str, tolerance: float = values.ABSOLUTE) -> bool:
    """Whether two canonical values are equal by the rules of `values.py`; floats within
    `tolerance`.
    """
    return values.matches(value, expected, tolerance, tolerance / 10)
