"""The generated world of both miniature domains: quantities defined one after another in words.

Some wordings have a popular misreading. Authors of the pre-training corpus misread each of them
with a known rate, so that likelihood and majority follow the crowd, and only labels tell which
reading is right.
"""

from __future__ import annotations

import ast
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations, islice
from typing import Any

import numpy as np

from prmscale import seeds
from prmscale.errors import UserError
from prmscale.study import World
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Domain, Grade, Problem, bucket

NAMES = "abcdefghi"
SPLITS = {
    "pretrain": range(70),
    "train": range(70, 85),
    "validation": range(85, 90),
    "test": range(90, 100),
}
# Larger values count as a failure. A right solution squares at most eight times, which stays below
# 10**290.
LARGEST = 10**300
# characters of one statement; limits the depth of its syntax tree, which is walked recursively
LONGEST = 400


@dataclass(frozen=True)
class Wording:
    """The words of a definition, its right reading and its popular misreading (None: it has none).

    {a} and {b} stand for earlier quantities, {k} for a constant. The form of a misreading is that
    of no right reading, except for `subtracted_from` and `less_than`: each is misread as the other,
    so that only the wording tells. A world that uses both is much harder to learn to verify. No
    reading has parentheses: they would be rare, and small models learn to reduce them last.
    """

    template: str
    right: str
    misread: str | None = None

    @property
    def operands(self) -> int:
        """The number of earlier quantities that it refers to."""
        return 2 if "{b}" in self.template else 1


WORDINGS = {
    "less_than": Wording("{k} less than {a}", "{a} - {k}", "{k} - {a}"),
    "taken_from": Wording("{a} taken from {b}", "{b} - {a}", "{a} - {b}"),
    "more_than_thrice": Wording("{k} more than 3 times {a}", "3 * {a} + {k}", "3 * {k} + {a}"),
    "twice_the_sum": Wording("twice the sum of {a} and {k}", "2 * {a} + 2 * {k}", "2 * {a} + {k}"),
    "squared_plus": Wording("{a} squared plus {k}", "{a} * {a} + {k}", "{k} * {k} + {a}"),
    "fewer_than_double": Wording("{k} fewer than double {a}", "2 * {a} - {k}", "{k} - 2 * {a}"),
    "thrice_the_difference": Wording(
        "3 times the difference of {a} and {k}", "3 * {a} - 3 * {k}", "3 * {a} - {k}"
    ),
    "subtracted_from": Wording("{a} subtracted from {k}", "{k} - {a}", "{a} - {k}"),
    "plus": Wording("{a} plus {k}", "{a} + {k}"),
    "minus": Wording("{a} minus {k}", "{a} - {k}"),
    "sum": Wording("the sum of {a} and {b}", "{a} + {b}"),
    "thrice": Wording("3 times {a}", "3 * {a}"),
}
FILLERS = [name for name, wording in WORDINGS.items() if wording.misread is None]


def find_misreadable(problem: Problem) -> frozenset[str]:
    """The wordings in a problem that can be misread; empty for a problem not generated here."""
    if not isinstance(problem.detail, Mapping) or "specification" not in problem.detail:
        return frozenset()
    specification = Specification.from_json(problem.detail["specification"])
    return frozenset(wording for wording, *_ in specification.definitions).difference(FILLERS)


@dataclass(frozen=True)
class Specification:
    """Quantities a, b, c …, the first of which is given.

    `given` is its constant, or None for the free input x. The other quantities are defined by
    (wording, first operand, second operand or "", constant).
    """

    given: int | None
    definitions: tuple[tuple[str, str, str, int], ...]

    @property
    def names(self) -> str:
        """The names of all quantities, the given one first."""
        return NAMES[: len(self.definitions) + 1]

    def words(self) -> str:
        """The definitions in words, without the question."""
        parts = [f"a is {'x' if self.given is None else self.given}"]
        for name, (wording, a, b, k) in zip(self.names[1:], self.definitions, strict=True):
            parts.append(f"{name} is {WORDINGS[wording].template.format(a=a, b=b, k=k)}")
        return " ; ".join(parts)

    def readings(self, misread: frozenset[str] = frozenset()) -> list[str]:
        """The expression of every defined quantity, as read by an author with these misreadings."""
        expressions = []
        for wording, a, b, k in self.definitions:
            form = WORDINGS[wording]
            reading = (wording in misread and form.misread) or form.right
            expressions.append(reading.format(a=a, b=b, k=k))
        return expressions

    def to_json(self) -> dict[str, Any]:
        """Plain data, for a problem's detail."""
        return {"given": self.given, "definitions": [list(d) for d in self.definitions]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Specification:
        """The inverse of `to_json`."""
        return cls(data["given"], tuple((w, a, b, k) for w, a, b, k in data["definitions"]))


def draw(world: World, stream: np.random.Generator, free_input: bool) -> Specification:
    """A random specification.

    The first operand is the quantity just before, so that every step matters.
    """
    rates = world.rates("code" if free_input else "math")
    popular = [name for name in WORDINGS if name in rates]
    count = int(stream.integers(world.definitions[0], world.definitions[1] + 1))
    definitions = []
    for i in range(count):
        filler = not popular or stream.random() < world.filler_share
        options = [w for w in (FILLERS if filler else popular) if WORDINGS[w].operands <= i + 1]
        wording = options[stream.integers(len(options))] if options else "plus"
        b = NAMES[stream.integers(i)] if WORDINGS[wording].operands == 2 else ""
        k = int(stream.integers(1, world.constants + 1))
        definitions.append((wording, NAMES[i], b, k))
    given = None if free_input else int(stream.integers(world.modulus))
    return Specification(given, tuple(definitions))


def stream_of(
    world: World, split: str, seed: int, free_input: bool, prompt: Callable[[Specification], str]
) -> Iterator[tuple[Specification, str]]:
    """Different specifications of a split with their prompts, in an order that `seed` fixes.

    The hash of its prompt decides which split a problem belongs to, so splits are disjoint.
    """
    if split not in SPLITS:
        raise UserError(f"no split {split!r}; the generated tasks have {', '.join(SPLITS)}")
    _check_wordings(world)
    stream, seen, misses = seeds.generator(seed, "world", split, free_input), set(), 0
    while misses < 10_000:
        specification = draw(world, stream, free_input)
        text = prompt(specification)
        if bucket(text) not in SPLITS[split] or text in seen:
            misses += 1
            continue
        misses = 0
        seen.add(text)
        yield specification, text
    raise UserError(
        f"the world is too small: {len(seen)} different {split} problems found; raise "
        "world.definitions or world.modulus, or ask for fewer problems"
    )


def _check_wordings(world: World) -> None:
    """Raise UserError if a misreading rate names no wording that can be misread."""
    known = [name for name, wording in WORDINGS.items() if wording.misread]
    unknown = sorted(set(world.misreading_rates) - set(known))
    if unknown:
        raise UserError(
            f"world.misreading_rates: no wording {', '.join(unknown)}; possible: {', '.join(known)}"
        )


class GeneratedTask(ABC):
    """The base class of the two generated tasks: problems of the world, and the truth of steps."""

    domain: Domain
    free_input: bool  # whether the first quantity is the input x rather than a constant

    def __init__(self, name: str, world: World) -> None:
        self.name, self.world = name, world

    def load(self, split: str, count: int | None, seed: int) -> list[Problem]:
        """The first `count` problems of a split; problem n does not depend on `count`."""
        if count is None:
            raise UserError(
                f"{self.name}: a generated task has no last problem; say how many of {split!r} are "
                "wanted"
            )
        stream = stream_of(self.world, split, seed, self.free_input, self._prompt)
        return [
            self._problem(f"{self.name}/{split}/{n:05d}", split, specification, text)
            for n, (specification, text) in enumerate(islice(stream, count))
        ]

    def truth(self, problem: Problem, steps: Sequence[str]) -> list[bool]:
        """For each step, whether this step and all steps before it are right.

        A line is right if it defines the next quantity in order, and every expression in it has the
        true value of the quantity, given the true values of the earlier ones. The last line is
        right if it states the right result. A step is right if all of its lines are.
        """
        right, so_far, number = True, [], 0
        for step in steps:
            for line in step_text.split(step):
                right = right and self._line_is_right(problem, number, line)
                number += 1
            so_far.append(right)
        return so_far

    def misread_answers(self, problem: Problem) -> set[str]:
        """The wrong answers of authors who misread some of a problem's wordings and make no other
        mistake.
        """
        specification = Specification.from_json(problem.detail["specification"])
        wordings = sorted(find_misreadable(problem))
        count = range(1, len(wordings) + 1)
        misread = chain.from_iterable(combinations(wordings, size) for size in count)
        texts = [step_text.join(self._solve(specification, frozenset(some))) for some in misread]
        grades = self.grade([problem] * len(texts), texts)
        return {grade.answer for grade in grades if grade.answer and not grade.correct}

    @abstractmethod
    def _solve(self, specification: Specification, misread: frozenset[str]) -> list[str]:
        """The steps of an author who misreads these wordings and makes no other mistake."""

    @abstractmethod
    def grade(self, problems: Sequence[Problem], texts: Sequence[str]) -> list[Grade]:
        """Judge `texts[i]`, a whole solution of `problems[i]`."""

    @abstractmethod
    def _prompt(self, specification: Specification) -> str: ...

    @abstractmethod
    def _problem(
        self, problem_id: str, split: str, specification: Specification, text: str
    ) -> Problem: ...

    @abstractmethod
    def _line_is_right(self, problem: Problem, number: int, line: str) -> bool:
        """Whether `line` is right as line `number`, all before it being right."""


_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


class NotArithmetic(Exception):
    """An expression outside the language: names, integers, + - * and parentheses."""


@lru_cache(maxsize=1 << 16)
def parse(source: str) -> ast.stmt:
    """The one statement in `source`; raises NotArithmetic for anything else."""
    if len(source) > LONGEST:
        raise NotArithmetic
    try:
        body = ast.parse(source.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotArithmetic from None
    if len(body) != 1:
        raise NotArithmetic
    return body[0]


def value(node: ast.expr | None, names: Mapping[str, int]) -> int:
    """The value of a parsed expression; nothing is executed.

    Raises NotArithmetic outside the language.
    """
    match node:
        case ast.Constant(value=int() as constant) if not isinstance(constant, bool):
            return constant
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -value(operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            result = _OPERATORS[type(op)](value(left, names), value(right, names))
            if abs(result) <= LARGEST:
                return result
    raise NotArithmetic


def evaluate(expression: str, names: Mapping[str, int]) -> int:
    """The value of an expression given as text; raises NotArithmetic outside the language."""
    statement = parse(expression)
    if not isinstance(statement, ast.Expr):
        raise NotArithmetic
    return value(statement.value, names)
