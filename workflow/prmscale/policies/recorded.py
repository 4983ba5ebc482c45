"""Policies whose solutions were written elsewhere: a file of them as the `solutions` table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from prmscale.engines.requests import Continuation
from prmscale.engines.scheduler import Grader
from prmscale.errors import UserError
from prmscale.policies.sample import solution_table
from prmscale.study import RecordedPolicy, StepRule
from prmscale.tasks import steps, thoughts
from prmscale.tasks.base import Problem
from prmscale.tasks.benchmarks.rows import Rows, read_file

Count = Callable[[str], int]  # the tokens of a text


def read_recorded(policy: RecordedPolicy) -> dict[str, list[str]]:
    """The solutions of each problem in a policy's file, by the problem's text without differences
    of white space.

    Raises UserError for a malformed row, naming the file and its line. Several rows may hold
    solutions of one problem.
    """
    rows = read_file(Path(policy.path).expanduser())
    found: dict[str, list[str]] = {}
    for index in range(len(rows)):
        question = _normalise(rows.field(index, "question", str))
        found.setdefault(question, []).extend(_texts(rows, index))
    return found


def _texts(rows: Rows, index: int) -> Iterator[str]:
    """The solutions in a row."""
    row = rows[index]
    if "solutions" in row:
        texts = row["solutions"]
    else:
        texts = [value["solution"] for value in row.values() if _holds_solution(value)]
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        rows.refuse(
            index,
            "no solutions: a row has a list of texts, 'solutions', or columns that hold a "
            "'solution' each",
        )
    yield from texts


def _holds_solution(value: object) -> bool:
    return isinstance(value, Mapping) and "solution" in value


def import_solutions(
    policy: RecordedPolicy,
    grader: Grader,
    problems: Sequence[Problem],
    samples: int,
    rule: StepRule,
) -> pd.DataFrame:
    """The first `samples` recorded solutions of every problem, graded here, as `solutions` rows.

    A thought is no part of a solution; one that does not end counts as cut. Log-probabilities and
    self-certainty are unknown. Raises UserError if a problem has fewer solutions.
    """
    recorded, count = read_recorded(policy), _counter(policy)
    found = []
    for problem in problems:
        texts = recorded.get(_normalise(problem.prompt), [])
        if len(texts) < samples:
            raise UserError(
                f"{policy.path}: {problem.problem_id} ({problem.prompt.strip()[:60]!r}...) has "
                f"{len(texts)} solutions, and search.evaluations asks for {samples} of each test "
                f"problem of {policy.name}. A row's question must be the text of the problem in "
                "its data set; lower samples, or the data set's number of test problems"
            )
        reading = count(problem.prompt)
        found.append([_solution(policy, text, reading, count, rule) for text in texts[:samples]])
    return solution_table(policy.name, grader, problems, found)


def _solution(
    policy: RecordedPolicy, text: str, reading: int, count: Count, rule: StepRule
) -> Continuation:
    thought, reply = thoughts.separate(text)
    tokens = count(text)
    per_token, unknown = 2 * policy.parameters, float("nan")
    return Continuation(
        steps=tuple(steps.split(reply, rule)),
        finish_reason="length" if thoughts.is_open(text) else "stop",
        tokens=tokens,
        logprob=unknown,
        self_certainty=unknown,
        prefix_tokens=reading,
        flops=per_token * (reading + tokens),
        min_logprob=unknown,
        prefix_flops=per_token * reading,
        thought=thought,
    )


def _counter(policy: RecordedPolicy) -> Count:
    """What counts the tokens of a text: the policy's tokenizer, or its words."""
    if policy.tokenizer is None:
        return lambda text: len(text.split())
    from transformers import AutoTokenizer  # seconds, which words do not need

    from prmscale.engines.backends.loading import load_pretrained

    tokenizer = load_pretrained(AutoTokenizer, policy.tokenizer)
    return lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"])


def _normalise(text: str) -> str:
    return " ".join(text.split())
