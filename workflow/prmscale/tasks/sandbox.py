"""Runs model-written Python in a bubblewrap sandbox and brings back the values it returned, or what it printed.

What it protects against: the program sees no network, an empty environment, the Python installation read-only and
nothing else of the machine; it cannot write outside a small temporary file system; time, memory, processes and output
are limited; every program runs in a fork of its own, so none sees or changes another. Verdicts cannot be forged: the
values of the asked calls (and what is printed for an input) are compared by this process, outside the box, and expected
values never enter it.

What it does not protect against: bugs of the kernel or of bubblewrap, and a program that guesses how it is judged.
Where the user is root, the limit on processes does not hold, and a fork bomb is ended by the time limit.
"""

from __future__ import annotations

import json
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
from prmscale.tasks.worker import Worker

_WORKER = (Path(__file__).parent / "sandbox_worker.py").read_text()
_WORKERS = 2  # boxes side by side
_GRACE = 10.0  # seconds: a box may take long to start on a busy machine, and no verdict may hang on that


@dataclass(frozen=True)
class Program:
    """Source text, and the expressions whose values are asked for once it has run.

    With `inputs` instead it is run anew for each, as the main module with that standard input; the values are what it
    printed, up to the first input on which it fails.
    """

    source: str
    calls: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    limit_each: bool = False  # whether `Limits.seconds` hold for each call, not for all of them together


@dataclass(frozen=True)
class Limits:
    """What one program may take; `seconds` hold for all its calls together, or for each of its inputs.

    A value longer than `value_kib` is told apart by its digest alone. `packages` is a folder that it may import from.
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


def _box(packages: str | None = None) -> list[str]:
    """The bubblewrap command that a Python of this installation runs in."""
    prefix = sys.base_prefix
    shared = [path for path in ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/bin") if Path(path).exists()]
    binds = [part for path in shared for part in ("--ro-bind", path, path)]
    if not any(prefix.startswith(path) for path in ("/usr/lib", "/usr/bin")):
        binds += ["--ro-bind", prefix, prefix]
    if packages:
        binds += ["--ro-bind", packages, _PACKAGES]
    return [
        "bwrap",
        *["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session", "--clearenv"],
        *["--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"],
        *binds,
        *["--proc", "/proc", "--dev", "/dev", "--size", str(64 << 20), "--tmpfs", "/tmp", "--remount-ro", "/"],
        *["--chdir", "/tmp"],
    ]


def _python() -> list[str]:
    """The worker: isolated, without site packages, its source on the command line so that no file of ours is bound."""
    binary = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return [str(binary), "-I", "-S", "-B", "-c", _WORKER]


@cache
def available() -> bool:
    """Whether a bubblewrap that works is here."""
    if shutil.which("bwrap") is None:
        return False
    python = _python()[0]
    tried = subprocess.run([*_box(), python, "-I", "-S", "-c", ""], capture_output=True, env={}, check=False)
    return tried.returncode == 0


def require(allow_unsafe: bool) -> None:
    """Raise UserError unless model-written code can be run as the configuration wants it."""
    if not allow_unsafe and not available():
        raise UserError(
            "model-written code runs only in a sandbox, and bubblewrap (bwrap) is missing or cannot start here. "
            "Install it (apt-get install bubblewrap; on clusters ask for user namespaces), or accept the risk in so "
            "many words: code_execution.sandbox: 'none, I accept that model-written code runs unprotected'"
        )


def run(programs: Sequence[Program], limits: Limits, allow_unsafe: bool = False) -> list[Outcome]:
    """Run every program; outcome i belongs to program i, whatever the others do."""
    require(allow_unsafe)
    packages = str(Path(limits.packages).expanduser().resolve()) if limits.packages else None
    if packages and not Path(packages).is_dir():
        raise UserError(f"{limits.packages}: no such folder (code_execution.packages in the configuration)")
    command = _python() if allow_unsafe else [shutil.which("bwrap") or "bwrap", *_box(packages)[1:], *_python()]
    shared = {**vars(limits), "packages": packages if allow_unsafe or not packages else _PACKAGES}
    idle: SimpleQueue[Worker] = SimpleQueue()
    workers = [Worker(command, {}) for _ in range(min(_WORKERS, len(programs)))]
    for worker in workers:
        idle.put(worker)

    def one(program: Program) -> Outcome:
        worker = idle.get()
        try:
            # the worker keeps the limit itself; this one ends a worker that a program has blocked
            seconds = limits.seconds * max(1, len(program.inputs)) + _GRACE
            answer = worker.ask({**vars(program), **shared}, seconds)
        finally:
            idle.put(worker)
        return _outcome(program, answer)

    try:
        with ThreadPoolExecutor(max(1, len(workers))) as pool:
            return list(pool.map(one, programs))
    finally:
        for worker in workers:
            worker.close()


def _outcome(program: Program, answer: Any) -> Outcome:
    """The answer of a worker, trusted only as far as its form goes."""
    asked = len(program.inputs or program.calls)
    if isinstance(answer, dict) and isinstance(answer.get("values"), list):
        values = answer["values"]
        if len(values) == asked and all(v is None or isinstance(v, str) for v in values):
            return Outcome(tuple(values))
    error = answer.get("error") if isinstance(answer, dict) else None
    return Outcome((None,) * asked, str(error or "the program ended its worker"))


def same(value: str | None, expected: str, tolerance: float = 1e-6) -> bool:
    """Whether two canonical values are equal; floats within `tolerance`, absolute or relative."""
    if value is None or value == expected:
        return value is not None
    try:
        return _close(json.loads(value), json.loads(expected), tolerance)
    except (ValueError, OverflowError, RecursionError):  # beyond what Python reads, or an integer no float can hold
        return False


def _close(a: Any, b: Any, tolerance: float) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_close(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b or abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))
    return bool(a == b)
