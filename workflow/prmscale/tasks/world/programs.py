"""Programs, a generated code task: the same chains of quantities as a Python function of an input.

The language of the task is straight-line integer arithmetic: assignments, names, integers, + - *,
parentheses and return. A solution is the body of `solve(x)`. It is interpreted by its syntax tree
and never executed as Python. A program outside the language is wrong, and so is a program with
statements after its return.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from functools import lru_cache

from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.grading import votes
from prmscale.tasks.world.specifications import (
    GeneratedTask,
    NotArithmetic,
    Specification,
    parse,
    value,
)

VISIBLE = (1, 2, 3)  # inputs of public tests: those that a choice among programs may use
HIDDEN = (0, 4, 5, 6, 7, 8, 9)


def prompt(specification: Specification) -> str:
    """The specification in words and the name of the quantity to return."""
    return f"{specification.words()} ; return {specification.names[-1]} :"


def solve(specification: Specification, misread: frozenset[str] = frozenset()) -> list[str]:
    """The statements of an author who misreads these wordings and makes no other mistake.

    The quantity `a` is the input.
    """
    names, readings = specification.names[1:], specification.readings(misread)
    definitions = [f"{name} = {reading}" for name, reading in zip(names, readings, strict=True)]
    return ["a = x", *definitions, f"return {specification.names[-1]}"]


def statement(step: str) -> tuple[str | None, ast.expr | None]:
    """The name that a step assigns (None: it returns) and its expression.

    Raises NotArithmetic for anything else.
    """
    match parse(step):
        case ast.Assign(targets=[ast.Name(id=name)], value=expression):
            return name, expression
        case ast.Return(value=expression):
            return None, expression
    raise NotArithmetic


@lru_cache(maxsize=1 << 16)
def trace(
    text: str, inputs: tuple[int, ...]
) -> tuple[tuple[str | None, ...], tuple[tuple[int, ...], ...]]:
    """The names a program assigns (None: it returns) and, for each input, the value of every step.

    Raises NotArithmetic if the program is outside the language.
    """
    lines = step_text.split(text)
    statements = [statement(line) for line in lines]
    names = tuple(name for name, _ in statements)
    indentations = {len(line) - len(line.lstrip()) for line in lines}
    if len(indentations) != 1 or names[-1] is not None or names.count(None) != 1:
        raise NotArithmetic
    return names, tuple(_run(statements, x) for x in inputs)


def _run(statements: Sequence[tuple[str | None, ast.expr | None]], x: int) -> tuple[int, ...]:
    known, values = {"x": x}, []
    for name, expression in statements:
        values.append(value(expression, known))
        if name is not None:
            known[name] = values[-1]
    return tuple(values)


def interpret(text: str, inputs: tuple[int, ...]) -> tuple[int, ...]:
    """What the program returns for each input.

    Raises NotArithmetic if the program is outside the language.
    """
    return tuple(values[-1] for values in trace(text, inputs)[1])


class Programs(GeneratedTask):
    """The task; `detail` of a problem is its specification, `tests` are (input, value) pairs."""

    domain: Domain = "code"
    free_input = True

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if it returns the value of every test; the answer is that on the visible inputs,
        whose tests are the visible ones.
        """
        grades = []
        for problem, text in zip(problems, texts, strict=True):
            inputs, expected = zip(*problem.tests, strict=True)
            try:
                values = interpret(text, inputs)
            except NotArithmetic:
                grades.append(Grade(None, False, "none", 0.0))
            else:
                seen = values[: len(VISIBLE)]
                passed = votes.share([v == e for v, e in zip(seen, expected, strict=False)])
                grades.append(Grade(json.dumps(seen), values == expected, "program", passed))
        return grades

    def _solve(self, specification: Specification, misread: frozenset[str]) -> list[str]:
        return solve(specification, misread)

    def _prompt(self, specification: Specification) -> str:
        return prompt(specification)

    def _problem(
        self, problem_id: str, split: str, specification: Specification, text: str
    ) -> Problem:
        reference, inputs = step_text.join(solve(specification)), VISIBLE + HIDDEN
        return Problem(
            problem_id=problem_id,
            domain="code",
            split=split,
            prompt=text,
            answer=reference,
            tests=[[x, y] for x, y in zip(inputs, interpret(reference, inputs), strict=True)],
            difficulty=len(specification.definitions),
            source="programs",
            licence="MIT (generated)",
            detail={"specification": specification.to_json()},
        )

    def _line_is_right(self, problem: Problem, number: int, line: str) -> bool:
        inputs = tuple(x for x, _ in problem.tests)
        names, traces = trace(problem.answer, inputs)
        if number >= len(names):
            return False
        try:
            name, expression = statement(line)
            return name == names[number] and all(
                value(expression, {"x": x} | _bind(names[:number], true)) == true[number]
                for x, true in zip(inputs, traces, strict=True)
            )
        except NotArithmetic:
            return False


def _bind(names: Sequence[str | None], values: Sequence[int]) -> dict[str, int]:
    return {name: value for name, value in zip(names, values, strict=False) if name is not None}
