"""Programs: the same chains of quantities with a free input, written as a Python function (a generated code task).

The task's language is straight-line integer arithmetic: assignments, names, integers, + - *, parentheses and return.
A solution is the body of `solve(x)`. It is interpreted over its syntax tree and never executed as Python; a program
outside the language is wrong.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from prmscale.study import World
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Domain, Grade, Problem
from prmscale.tasks.world import NotArithmetic, Specification, evaluate, parse, stream_of, value

VISIBLE = (1, 2, 3)  # inputs that a majority vote may look at
HIDDEN = (0, 4, 5, 6, 7, 8, 9)


def prompt(specification: Specification) -> str:
    """The specification in words and the name of the quantity to return."""
    return f"{specification.words()} ; return {specification.names[-1]} :"


def solve(specification: Specification, misread: frozenset[str] = frozenset()) -> list[str]:
    """The statements of an author who misreads these wordings and is otherwise flawless; `a` is the input."""
    lines = ["a = x"]
    lines += [f"{n} = {r}" for n, r in zip(specification.names[1:], specification.readings(misread), strict=True)]
    return [*lines, f"return {specification.names[-1]}"]


@lru_cache(maxsize=1 << 18)
def interpret(text: str, inputs: tuple[int, ...]) -> tuple[int, ...]:
    """What the program returns for each input; raises NotArithmetic where it is outside the language."""
    statements = [parse(line) for line in step_text.split(text)]
    return tuple(_call(statements, x) for x in inputs)


def _call(statements: Sequence[ast.stmt], x: int) -> int:
    names = {"x": x}
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=expression):
                names[name] = value(expression, names)
            case ast.Return(value=expression):
                return value(expression, names)
            case _:
                raise NotArithmetic
    raise NotArithmetic


class Programs:
    """The task; `detail` of a problem is its specification."""

    domain: Domain = "code"

    def __init__(self, name: str, world: World) -> None:
        self.name, self.world = name, world

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """The first `count` problems of a split; `count` is needed, there is no end to them."""
        drawn = islice(stream_of(self.world, split, seed, True, prompt), count)
        return [self._problem(split, i, s, text) for i, (s, text) in enumerate(drawn)]

    def _problem(self, split: str, number: int, specification: Specification, text: str) -> Problem:
        reference = step_text.join(solve(specification))
        return Problem(
            problem_id=f"{self.name}/{split}/{number:05d}",
            domain="code",
            split=split,
            prompt=text,
            answer=reference,
            tests=[[x, y] for x, y in zip(VISIBLE + HIDDEN, interpret(reference, VISIBLE + HIDDEN), strict=True)],
            difficulty=len(specification.definitions),
            source="programs",
            licence="MIT (generated)",
            detail={"specification": specification.to_json()},
        )

    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Right if every test's value is returned; the answer is the behaviour on the visible inputs."""
        grades = []
        for problem, text in zip(problems, texts, strict=True):
            try:
                values = interpret(text, VISIBLE + HIDDEN)
            except NotArithmetic:
                grades.append(Grade(None, False))
                continue
            answer = json.dumps(values[: len(VISIBLE)])
            grades.append(Grade(answer, list(values) == [y for _, y in problem.tests]))
        return grades

    def truth(self, problem: Problem, steps: Sequence[str]) -> list[bool]:
        """For each step whether the solution is right so far: it assigns the next quantity, or returns the last, an
        expression that has the true value on every test input, given the true values of the earlier quantities.
        """
        specification = Specification.from_json(problem.detail["specification"])
        known = [{"x": x} for x, _ in problem.tests]
        expected = solve(specification)
        right, so_far = True, []
        for i, step in enumerate(steps):
            right = right and i < len(expected) and self._step_is_right(step, expected[i], known)
            if right and i < len(expected) - 1:
                name, _, expression = expected[i].partition(" = ")
                for names in known:
                    names[name] = evaluate(expression, names)
            so_far.append(right)
        return so_far

    def _step_is_right(self, step: str, expected: str, known: Sequence[dict[str, int]]) -> bool:
        try:
            own, reference = parse(step), parse(expected)
            if isinstance(reference, ast.Return):
                same_place = isinstance(own, ast.Return)
            else:
                same_place = isinstance(own, ast.Assign) and ast.dump(own.targets[0]) == ast.dump(
                    reference.targets[0]  # type: ignore[attr-defined]
                )
            return same_place and all(
                value(own.value, names) == value(reference.value, names)  # type: ignore[attr-defined]
                for names in known
            )
        except NotArithmetic:
            return False
