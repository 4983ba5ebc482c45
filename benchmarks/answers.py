"""Verdicts on math answers a second: ours beside plain math-verify on the same 2,000 pairs, in one
process each.

`python benchmarks/answers.py [FILE]`; FILE holds MATH rows with a field `answer` (JSON lines), else
answers of their
kinds are made. Every reference meets itself in another dress, a wrong number, and another
reference.
"""

import json
import sys
import time
from pathlib import Path

from math_verify import parse, verify

from prmscale.tasks.grading import math_answers

PAIRS = 2000


def references() -> list[str]:
    """The answers of a file, or some of their kinds."""
    if len(sys.argv) > 1:
        return [json.loads(line)["answer"] for line in Path(sys.argv[1]).read_text().splitlines()]
    numbers = [str(n * n) for n in range(300)]
    fractions = [rf"\frac{{{n}}}{{{n + 7}}}" for n in range(1, 80)]
    others = [rf"{n}\sqrt{{{n + 1}}}" for n in range(2, 40)] + [
        rf"x^{n} + {n}x - 1" for n in range(2, 40)
    ]
    return [*numbers, *fractions, *others, *(f"({n}, {n + 1})" for n in range(40))]


def pairs() -> list[tuple[str, str]]:
    """(reference, response) pairs: right ones, wrong numbers, wrong others."""
    found = references()
    made = [
        pair
        for i, answer in enumerate(found)
        for pair in (
            (answer, answer.replace(r"\frac", r"\dfrac")),
            (answer, f"{answer} + 1"),
            (answer, str(i)),
            (answer, found[i - 1]),
        )
    ]
    return made[:PAIRS]


def by_math_verify(gold: str, answer: str) -> bool:
    """What math-verify says."""
    return bool(
        verify(
            parse(f"${gold}$", parsing_timeout=None),
            parse(f"${answer}$", parsing_timeout=None),
            timeout_seconds=None,
        )
    )


if __name__ == "__main__":
    asked = pairs()
    by_math_verify("1", "1")
    math_answers.equal([(r"\sqrt{2}", "x")])  # both have started
    started = time.perf_counter()
    theirs = [by_math_verify(*pair) for pair in asked]
    baseline = time.perf_counter() - started
    started = time.perf_counter()
    ours = math_answers.equal(asked)
    took = time.perf_counter() - started
    solutions = [f"So it is, as we see, no less than {a}.\nThe answer is ${a}$." for _, a in asked]
    started = time.perf_counter()
    for solution in solutions:
        math_answers.find(solution)
    finding = time.perf_counter() - started
    ours_rate, their_rate = len(asked) / took, len(asked) / baseline
    ratio = ours_rate / their_rate
    print(
        f"{len(asked)} pairs: {ours_rate:,.0f} verdicts/s, math-verify {their_rate:,.0f}/s: "
        f"{ratio:.1f} times"
    )
    print(f"they differ on {sum(a != b for a, b in zip(ours, theirs, strict=True))}")
    print(f"answers found: {len(asked) / finding:,.0f}/s")
