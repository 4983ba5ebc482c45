"""Verdicts on math answers per second, against plain math-verify on the same 2,000 pairs.

Run as `python benchmarks/answers.py [FILE]`. FILE holds MATH rows with a field `answer` (JSON
lines); without it such answers are made up. Every reference is compared with itself in another
notation, with a wrong number, and with another reference. Both use one process.
"""

import json
import sys
import time
from pathlib import Path

from math_verify import parse, verify

from prmscale.tasks.grading import math_answers

PAIRS = 2000


def references() -> list[str]:
    """The answers of a file, or made-up ones."""
    if len(sys.argv) > 1:
        return [json.loads(line)["answer"] for line in Path(sys.argv[1]).read_text().splitlines()]
    numbers = [str(n * n) for n in range(300)]
    fractions = [rf"\frac{{{n}}}{{{n + 7}}}" for n in range(1, 80)]
    roots = [rf"{n}\sqrt{{{n + 1}}}" for n in range(2, 40)]
    polynomials = [rf"x^{n} + {n}x - 1" for n in range(2, 40)]
    points = [f"({n}, {n + 1})" for n in range(40)]
    return [*numbers, *fractions, *roots, *polynomials, *points]


def pairs() -> list[tuple[str, str]]:
    """(reference, response) pairs, correct and wrong ones."""
    answers = references()
    made = []
    for i, answer in enumerate(answers):
        same = answer.replace(r"\frac", r"\dfrac")
        for response in (same, f"{answer} + 1", str(i), answers[i - 1]):
            made.append((answer, response))
    return made[:PAIRS]


def by_math_verify(gold: str, answer: str) -> bool:
    """The verdict of math-verify."""
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
    math_answers.compare([(r"\sqrt{2}", "x")])  # both have warmed up
    started = time.perf_counter()
    theirs = [by_math_verify(*pair) for pair in asked]
    baseline = time.perf_counter() - started
    started = time.perf_counter()
    ours = math_answers.compare(asked)
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
