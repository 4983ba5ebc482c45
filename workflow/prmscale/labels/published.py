"""Rows of published sets of labelled solutions, each in its own format, as solutions with a label
for every step.

What is malformed in a row is a UserError that names its file and line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from prmscale.tasks import steps
from prmscale.tasks.benchmarks.sources import Rows
from prmscale.tasks.grading import math_answers

T = TypeVar("T")
TAG = "ки"
_ANSWERS = re.compile(r"^# Answer", re.MULTILINE)  # how PRM800K's solutions end
_FIRST_STEP = re.compile(r"Step 1\s*:")
_Path = tuple[tuple[str, ...], tuple[int, ...]]  # steps and their labels


@dataclass(frozen=True)
class Labelled:
    """A solution with a label for each step (1 right, 0 wrong); its last step's label is its own.

    `answer` is the problem's reference where it is published, `author` who wrote the solution. One
    that is not `whole` is a path that nobody went to the end.
    """

    problem: str
    answer: str | None
    author: str
    steps: tuple[str, ...]
    labels: tuple[int, ...]
    whole: bool = True


def prm800k(rows: Rows, index: int) -> list[Labelled]:
    """PRM800K, both phases (Lightman et al. 2023, arXiv 2305.20050): the path taken and every step
    off it.

    A neutral step counts as right, as in the paper's main results. A step that nobody rated ends
    nothing and teaches nothing; what labellers wrote themselves is right. Problems that they
    reported as broken give nothing.
    """
    question, label = rows.field(index, "question", dict), rows.field(index, "label", dict)
    problem, answer = (
        _inside(rows, index, question, "problem", str),
        question.get("ground_truth_answer"),
    )
    if label.get("finish_reason") == "bad_problem":
        return []
    paths: list[_Path] = []
    taken: _Path = ((), ())
    finished = False
    for step in _blocks(rows, index, "steps", label.get("steps")):
        after: _Path | None = None
        chosen, human = step.get("chosen_completion"), step.get("human_completion")
        for number, completion in enumerate(
            _blocks(rows, index, "completions", step.get("completions") or [])
        ):
            rating = completion.get("rating")
            if rating not in (None, -1, 0, 1):
                rows.wrong(index, f"a rating of {rating!r}; PRM800K has -1, 0, 1 and null")
            if rating is None:
                continue
            text = _step(rows, index, _inside(rows, index, completion, "text", str).strip())
            path = (*taken[0], text), (*taken[1], int(rating >= 0))
            if number == chosen:
                after = path
            else:
                paths.append(path)
        if chosen is None and human is not None:
            after = (
                (*taken[0], _step(rows, index, _inside(rows, index, human, "text", str).strip())),
                (*taken[1], 1),
            )
        if after is None:
            break
        taken = after
    else:
        finished = label.get("finish_reason") == "solution"
    # a path that another one goes on is part of it
    if taken[0] and not any(texts[: len(taken[0])] == taken[0] for texts, _ in paths):
        paths.append(taken)
    found = []
    for path in paths:
        whole = (finished and path == taken) or _ANSWERS.search(path[0][-1]) is not None
        found.append(Labelled(problem, answer, "prm800k", *path, whole=whole))
    return found


def math_shepherd(rows: Rows, index: int) -> list[Labelled]:
    """Math-Shepherd (Wang et al. 2023, arXiv 2312.08935): `label` is `input` with + or - in place
    of each tag ки.
    """
    text, labelled = rows.field(index, "input", str), rows.field(index, "label", str)
    *parts, rest = text.split(TAG)
    found, at = [], 0
    for part in parts:
        at += len(part)
        sign = labelled[at : at + 1]
        if labelled[at - len(part) : at] != part or sign not in ("+", "-"):
            rows.wrong(
                index,
                f"'label' is not 'input' with + or - for each {TAG} (from character "
                f"{at - len(part)} on)",
            )
        found.append(int(sign == "+"))
        at += 1
    # the last mark before the first tag: a problem may list steps of its own
    begin = (
        max((mark.start() for mark in _FIRST_STEP.finditer(parts[0])), default=0) if parts else 0
    )
    problem, first = (parts[0][:begin], parts[0][begin:]) if parts else ("", "")
    if rest.strip() or not problem.strip():
        rows.wrong(
            index, f"'input' should be a problem and steps from 'Step 1:' on that end with {TAG}"
        )
    texts = tuple(_step(rows, index, part.strip()) for part in (first, *parts[1:]))
    return [Labelled(problem.strip(), None, "math_shepherd", texts, tuple(found))]


def trl_stepwise(rows: Rows, index: int) -> list[Labelled]:
    """TRL's format for stepwise supervision: `prompt`, `completions` (the steps) and `labels` (true
    or false).
    """
    completions, labels = rows.field(index, "completions", list), rows.field(index, "labels", list)
    if len(completions) != len(labels) or not labels:
        rows.wrong(
            index,
            f"{len(completions)} completions and {len(labels)} labels; there should be as many, "
            "and one",
        )
    if not all(isinstance(label, bool) or label in (0, 1) for label in labels):
        rows.wrong(index, "'labels' should be true or false")
    if not all(isinstance(text, str) for text in completions):
        rows.wrong(index, "'completions' should be texts")
    texts = tuple(_step(rows, index, text) for text in completions)
    return [
        Labelled(
            rows.field(index, "prompt", str), None, "trl_stepwise", texts, tuple(map(int, labels))
        )
    ]


def solutions(rows: Rows, index: int) -> list[Labelled]:
    """GSM8K's model solutions (Cobbe et al. 2021, arXiv 2110.14168): `question`, `ground_truth`,
    solutions by author.

    Every other column that holds a `solution` and whether it `is_correct` is a solution by the
    author of its name. Its steps are its lines, each labelled by how it ends.
    """
    problem, truth = (
        rows.field(index, "question", str),
        steps.split(rows.field(index, "ground_truth", str)),
    )
    answer = math_answers.extract(truth[-1]) if truth else None  # its last line, `A: 18`
    found = []
    for author, value in rows[index].items():
        if not isinstance(value, Mapping):
            continue
        right = _inside(rows, index, value, "is_correct", bool)
        texts = tuple(steps.split(_inside(rows, index, value, "solution", str)))
        if not texts:
            rows.wrong(index, f"the solution by {author!r} is empty")
        found.append(Labelled(problem, answer, author, texts, (int(right),) * len(texts)))
    if not found:
        rows.wrong(index, "no column with a 'solution' and whether it 'is_correct'")
    return found


READERS: dict[str, Callable[[Rows, int], list[Labelled]]] = {
    "prm800k": prm800k,
    "math_shepherd": math_shepherd,
    "trl_stepwise": trl_stepwise,
    "solutions": solutions,
}


def _inside(rows: Rows, index: int, block: Any, key: str, kind: type[T]) -> T:
    """A value inside a column; raises UserError naming the row where it is missing or of another
    type.
    """
    value = block.get(key) if isinstance(block, Mapping) else None
    if not isinstance(value, kind):
        rows.wrong(index, f"{key!r} should be {kind.__name__} and is {type(value).__name__}")
    return value


def _blocks(rows: Rows, index: int, key: str, value: Any) -> list[Mapping[str, Any]]:
    """A list of blocks inside a column."""
    if not isinstance(value, list) or not all(isinstance(block, Mapping) for block in value):
        rows.wrong(index, f"{key!r} should be a list of blocks")
    return value


def _step(rows: Rows, index: int, text: str) -> str:
    """A step as it was written, its lines and their indentation too, without what stands around it."""
    if not text.strip():
        rows.wrong(index, "an empty step")
    return text.strip("\r\n").rstrip()
