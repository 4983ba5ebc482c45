"""Readers of published sets of labelled solutions: solutions with a label for every step.

A malformed row raises UserError, which names the file and the line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from prmscale.tasks import steps
from prmscale.tasks.benchmarks.rows import Rows
from prmscale.tasks.grading import math_answers

T = TypeVar("T")
TAG = "ки"
_ANSWERS = re.compile(r"^# Answer", re.MULTILINE)  # how PRM800K's solutions end
_FIRST_STEP = re.compile(r"Step 1\s*:")


class _Path(NamedTuple):
    """Steps and their labels."""

    steps: tuple[str, ...]
    labels: tuple[int, ...]

    def extend(self, step: str, label: int) -> _Path:
        """The path one step longer."""
        return _Path((*self.steps, step), (*self.labels, label))


@dataclass(frozen=True)
class Labelled:
    """A solution with a label for each step (1 right, 0 wrong); the last label is the solution's.

    `answer` is the problem's reference where it is published, `author` names who wrote the
    solution. A solution that is not `whole` stops before its end.
    """

    problem: str
    answer: str | None
    author: str
    steps: tuple[str, ...]
    labels: tuple[int, ...]
    whole: bool = True


def prm800k(rows: Rows, index: int) -> list[Labelled]:
    """PRM800K, both phases (Lightman et al. 2023, arXiv 2305.20050): the chosen path and every
    rated step off it.

    A neutral step counts as right, as in the paper's main results. A path stops at a step without a
    rating. Steps that labellers wrote themselves are right. Problems that labellers reported as
    broken give no solutions.
    """
    question, label = rows.field(index, "question", dict), rows.field(index, "label", dict)
    problem = _read_field(rows, index, question, "problem", str)
    if label.get("finish_reason") == "bad_problem":
        return []
    paths: list[_Path] = []
    taken = _Path((), ())
    for step in _blocks(rows, index, "steps", label.get("steps")):
        after, off = _read_step(rows, index, step, taken)
        paths += off
        if after is None:
            finished = False
            break
        taken = after
    else:
        finished = label.get("finish_reason") == "solution"
    # a path that another path continues is part of it
    if taken.steps and not any(p.steps[: len(taken.steps)] == taken.steps for p in paths):
        paths.append(taken)
    answer, found = question.get("ground_truth_answer"), []
    for path in paths:
        whole = (finished and path == taken) or _ANSWERS.search(path.steps[-1]) is not None
        found.append(Labelled(problem, answer, "prm800k", *path, whole=whole))
    return found


def _read_step(
    rows: Rows, index: int, step: Mapping[str, Any], taken: _Path
) -> tuple[_Path | None, list[_Path]]:
    """The path that goes on (None where it stops), and the paths that leave it at this step."""
    after, off = None, []
    chosen, human = step.get("chosen_completion"), step.get("human_completion")
    completions = _blocks(rows, index, "completions", step.get("completions") or [])
    for number, completion in enumerate(completions):
        rating = completion.get("rating")
        if rating not in (None, -1, 0, 1):
            rows.refuse(index, f"a rating of {rating!r}; PRM800K has -1, 0, 1 and null")
        if rating is None:
            continue
        path = taken.extend(_text(rows, index, completion), int(rating >= 0))
        if number == chosen:
            after = path
        else:
            off.append(path)
    if chosen is None and human is not None:
        after = taken.extend(_text(rows, index, human), 1)
    return after, off


def math_shepherd(rows: Rows, index: int) -> list[Labelled]:
    """Math-Shepherd (Wang et al. 2023, arXiv 2312.08935): `label` is `input` with + or - in place
    of each tag ки.
    """
    text = rows.field(index, "input", str)
    labels = _read_signs(rows, index, text, rows.field(index, "label", str))
    *parts, rest = text.split(TAG)
    first = parts[0] if parts else ""
    # the last mark before the first tag begins the steps: a problem may list steps of its own
    marks = [mark.start() for mark in _FIRST_STEP.finditer(first)]
    begin = marks[-1] if marks else 0
    problem = first[:begin].strip()
    if rest.strip() or not problem:
        rows.refuse(
            index, f"'input' should be a problem and steps from 'Step 1:' on that end with {TAG}"
        )
    texts = tuple(_step(rows, index, part.strip()) for part in (first[begin:], *parts[1:]))
    return [Labelled(problem, None, "math_shepherd", texts, labels)]


def _read_signs(rows: Rows, index: int, text: str, labelled: str) -> tuple[int, ...]:
    """The labels of `text`: what stands in `labelled` in place of each tag, 1 for + and 0 for -."""
    labels, at = [], 0
    for part in text.split(TAG)[:-1]:
        end = at + len(part)
        sign = labelled[end : end + 1]
        if labelled[at:end] != part or sign not in ("+", "-"):
            rows.refuse(
                index,
                f"'label' is not 'input' with + or - for each {TAG} (from character {at} on)",
            )
        labels.append(int(sign == "+"))
        at = end + 1
    return tuple(labels)


def trl_stepwise(rows: Rows, index: int) -> list[Labelled]:
    """TRL's format for stepwise supervision: `prompt`, `completions` (steps), boolean `labels`."""
    completions, labels = rows.field(index, "completions", list), rows.field(index, "labels", list)
    if len(completions) != len(labels) or not labels:
        rows.refuse(
            index,
            f"{len(completions)} completions and {len(labels)} labels; there must be as many "
            "labels as completions, and at least one",
        )
    if not all(isinstance(label, bool) or label in (0, 1) for label in labels):
        rows.refuse(index, "'labels' should be true or false")
    if not all(isinstance(text, str) for text in completions):
        rows.refuse(index, "'completions' should be texts")
    texts = tuple(_step(rows, index, text) for text in completions)
    problem = rows.field(index, "prompt", str)
    return [Labelled(problem, None, "trl_stepwise", texts, tuple(map(int, labels)))]


def solutions(rows: Rows, index: int) -> list[Labelled]:
    """GSM8K's model solutions (Cobbe et al. 2021, arXiv 2110.14168): `question`, `ground_truth`,
    solutions by author.

    Every other column that holds a `solution` and whether it `is_correct` is a solution by the
    author that the column names. Its steps are its lines, all labelled by the solution's outcome.
    """
    problem = rows.field(index, "question", str)
    truth = steps.split(rows.field(index, "ground_truth", str))
    answer = math_answers.extract(truth[-1]) if truth else None  # the last line, `A: 18`
    found = []
    for author, value in rows[index].items():
        if not isinstance(value, Mapping):
            continue
        right = _read_field(rows, index, value, "is_correct", bool)
        texts = tuple(steps.split(_read_field(rows, index, value, "solution", str)))
        if not texts:
            rows.refuse(index, f"the solution by {author!r} is empty")
        found.append(Labelled(problem, answer, author, texts, (int(right),) * len(texts)))
    if not found:
        rows.refuse(index, "no column with a 'solution' and whether it 'is_correct'")
    return found


READERS: dict[str, Callable[[Rows, int], list[Labelled]]] = {
    "prm800k": prm800k,
    "math_shepherd": math_shepherd,
    "trl_stepwise": trl_stepwise,
    "solutions": solutions,
}


def _read_field(rows: Rows, index: int, block: Any, key: str, kind: type[T]) -> T:
    """The value of `key` in a column's block; raises UserError where it is missing or no `kind`."""
    value = block.get(key) if isinstance(block, Mapping) else None
    if not isinstance(value, kind):
        rows.refuse(index, f"{key!r} should be {kind.__name__} and is {type(value).__name__}")
    return value


def _blocks(rows: Rows, index: int, key: str, value: Any) -> list[Mapping[str, Any]]:
    """A list of blocks inside a column."""
    if not isinstance(value, list) or not all(isinstance(block, Mapping) for block in value):
        rows.refuse(index, f"{key!r} should be a list of blocks")
    return value


def _text(rows: Rows, index: int, block: Any) -> str:
    """The step in the `text` of a completion."""
    return _step(rows, index, _read_field(rows, index, block, "text", str).strip())


def _step(rows: Rows, index: int, text: str) -> str:
    """A step as it was written, with its indentation, without blank lines around it."""
    if not text.strip():
        rows.refuse(index, "an empty step")
    return text.strip("\r\n").rstrip()
