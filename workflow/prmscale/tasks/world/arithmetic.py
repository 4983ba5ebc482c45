"""Arithmetic, a generated math task: chains of named quantities, calculated modulo a small number.

A step of a solution calculates one quantity.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.world.specifications import (
    GeneratedTask,
    NotArithmetic,
    Specification,
    evaluate,
)

ANSWER = "answer"


def prompt(specification: Specification) -> str:
    """The problem in words; it asks for the last two quantities, which are hard to guess."""
    return f"{specification.words()} ; find {' '.join(specification.names[-2:])} :"


def reduce_once(expression: str, modulus: int) -> str:
    """The expression, without parentheses, after one operation: products first, from the left."""
    tokens = expression.split()
    at = tokens.index("*") if "*" in tokens else 1
    result = evaluate(" ".join(tokens[at - 1 : at + 2]), {}) % modulus
    return " ".join([*tokens[: at - 1], str(result), *tokens[at + 2 :]])


def solve(
    specification: Specification, modulus: int, misread: frozenset[str] = frozenset()
) -> list[str]:
    """The steps of an author who misreads these wordings and makes no other mistake."""
    values = {"a": int(specification.given or 0)}
    steps = []
    for name, reading in zip(specification.names[1:], specification.readings(misread), strict=True):
        chain = [reading, " ".join(str(values.get(token, token)) for token in reading.split())]
        while len(chain[-1].split()) > 1:
            chain.append(reduce_once(chain[-1], modulus))
        values[name] = int(chain[-1])
        steps.append(" = ".join([name, *chain]))
    last = " ".join(str(values[name]) for name in specification.names[-2:])
    return [*steps, f"{ANSWER} {last}"]


def stated_answer(text: str) -> str | None:
    """The answer in the last answer line; None if there is none."""
    lines = [words for words in map(str.split, step_text.split(text)) if words[0] == ANSWER]
    return " ".join(lines[-1][1:]) or None if lines else None


def holds_wrong_sum(steps: Sequence[str], modulus: int) -> bool:
    """Whether a calculation of numbers in a line changes its value from one "=" to the next.

    What a line says about names, and so every misreading, does not count.
    """
    for line in step_text.split(step_text.join(steps)):
        values = [_calculate(part, modulus) for part in re.split(r"\s=\s", line.strip())[1:]]
        if len({value for value in values if value is not None}) > 1:
            return True
    return False


def _calculate(expression: str, modulus: int) -> int | None:
    """The value of an expression of numbers; None of any other."""
    try:
        return evaluate(expression, {}) % modulus
    except NotArithmetic:
        return None


class Arithmetic(GeneratedTask):
    """The task; `detail` of a problem is its specification and the true value of every quantity."""

    domain: Domain = "math"
    free_input = False

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Compares the last answer line with the reference."""
        answers = [stated_answer(text) for text in texts]
        return [
            Grade(given, given == problem.answer, "none" if given is None else "answer_line")
            for problem, given in zip(problems, answers, strict=True)
        ]

    def _solve(self, specification: Specification, misread: frozenset[str]) -> list[str]:
        return solve(specification, self.world.modulus, misread)

    def _prompt(self, specification: Specification) -> str:
        return prompt(specification)

    def _problem(
        self, problem_id: str, split: str, specification: Specification, text: str
    ) -> Problem:
        steps = solve(specification, self.world.modulus)
        values = {"a": specification.given} | {s.split()[0]: int(s.split()[-1]) for s in steps[:-1]}
        return Problem(
            problem_id=problem_id,
            domain="math",
            split=split,
            prompt=text,
            answer=stated_answer(steps[-1]),
            tests=None,
            difficulty=len(specification.definitions),
            source="arithmetic",
            licence="MIT (generated)",
            detail={"specification": specification.to_json(), "values": values},
        )

    def _line_is_right(self, problem: Problem, number: int, line: str) -> bool:
        values = list(problem.detail["values"].items())
        if number + 1 >= len(values):
            return number + 1 == len(values) and stated_answer(line) == problem.answer
        known, (quantity, true_value) = dict(values[: number + 1]), values[number + 1]
        name, *chain = re.split(r"\s=\s", line.strip())
        if name != quantity or not chain:
            return False
        try:
            return all(self._modulo(part, known) == true_value for part in chain)
        except NotArithmetic:
            return False

    def _modulo(self, expression: str, known: dict[str, int]) -> int:
        return evaluate(expression, known) % self.world.modulus
