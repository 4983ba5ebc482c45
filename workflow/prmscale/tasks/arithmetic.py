"""Arithmetic: chains of named quantities, calculated step by step modulo a small number (a generated math task)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from prmscale.study import World
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.world import NotArithmetic, Specification, evaluate, stream_of

ANSWER = "answer"


def prompt(specification: Specification) -> str:
    """The problem in words: it asks for the last two quantities, which nobody guesses."""
    return f"{specification.words()} ; find {' '.join(specification.names[-2:])} :"


def reduce_once(expression: str, modulus: int) -> str:
    """The expression with one operation carried out: innermost parentheses first, then products, left to right."""
    tokens = expression.split()
    if "(" in tokens:
        start, end = tokens.index("("), tokens.index(")")
        inner = reduce_once(" ".join(tokens[start + 1 : end]), modulus).split()
        kept = inner if len(inner) == 1 else ["(", *inner, ")"]
        return " ".join([*tokens[:start], *kept, *tokens[end + 1 :]])
    at = tokens.index("*") if "*" in tokens else 1
    result = evaluate(" ".join(tokens[at - 1 : at + 2]), {}) % modulus
    return " ".join([*tokens[: at - 1], str(result), *tokens[at + 2 :]])


def solve(specification: Specification, modulus: int, misread: frozenset[str] = frozenset()) -> list[str]:
    """The steps of an author who misreads these wordings and is otherwise flawless."""
    values = {"a": int(specification.given or 0)}
    out = []
    for name, reading in zip(specification.names[1:], specification.readings(misread), strict=True):
        chain = [reading, " ".join(str(values.get(token, token)) for token in reading.split())]
        while len(chain[-1].split()) > 1:
            chain.append(reduce_once(chain[-1], modulus))
        values[name] = int(chain[-1])
        out.append(" = ".join([name, *chain]))
    last = " ".join(str(values[name]) for name in specification.names[-2:])
    return [*out, f"{ANSWER} {last}"]


class Arithmetic:
    """The task; `detail` of a problem is its specification and the true value of every quantity."""

    domain: Domain = "math"

    def __init__(self, name: str, world: World) -> None:
        self.name, self.world = name, world

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """The first `count` problems of a split; `count` is needed, there is no end to them."""
        drawn = islice(stream_of(self.world, split, seed, False, prompt), count)
        return [self._problem(split, i, s, text) for i, (s, text) in enumerate(drawn)]

    def _problem(self, split: str, number: int, specification: Specification, text: str) -> Problem:
        steps = solve(specification, self.world.modulus)
        values = {"a": specification.given} | {s.split()[0]: int(s.split()[-1]) for s in steps[:-1]}
        return Problem(
            problem_id=f"{self.name}/{split}/{number:05d}",
            domain="math",
            split=split,
            prompt=text,
            answer=steps[-1].removeprefix(f"{ANSWER} "),
            tests=None,
            difficulty=len(specification.definitions),
            source="arithmetic",
            licence="MIT (generated)",
            detail={"specification": specification.to_json(), "values": values},
        )

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """The last answer line against the reference."""
        grades = []
        for problem, text in zip(problems, texts, strict=True):
            lines = [line for line in step_text.split(text) if line.startswith(ANSWER)]
            answer = " ".join(lines[-1].split()[1:]) or None if lines else None
            grades.append(Grade(answer, answer == problem.answer))
        return grades

    def truth(self, problem: Problem, steps: Sequence[str]) -> list[bool]:
        """For each step whether the solution is right so far: it defines the next quantity, and every expression of
        its chain has that quantity's true value, given the true values of the earlier ones.
        """
        values, right, so_far = problem.detail["values"], True, []
        expected = list(values)[1:]
        for i, step in enumerate(steps):
            if i < len(expected):
                known = {name: values[name] for name in list(values)[: i + 1]}
                right = right and self._step_is_right(step, expected[i], values[expected[i]], known)
            else:
                right = right and i == len(expected) and step == f"{ANSWER} {problem.answer}"
            so_far.append(right)
        return so_far

    def _step_is_right(self, step: str, name: str, true_value: int, known: dict[str, int]) -> bool:
        parts = re.split(r"\s=\s", step.strip())
        if len(parts) < 2 or parts[0] != name or parts[-1] != str(true_value):
            return False
        try:
            return all(evaluate(part, known) % self.world.modulus == true_value for part in parts[1:])
        except NotArithmetic:
            return False
