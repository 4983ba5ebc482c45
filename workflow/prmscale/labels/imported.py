"""Corpora of solutions that others wrote and labelled, as tables that reward models train on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from prmscale.engines.recorded import to_row
from prmscale.engines.requests import Continuation
from prmscale.errors import UserError
from prmscale.labels.published import READERS, Labelled
from prmscale.study import Corpus
from prmscale.tasks.base import Grade, Problem, bucket, from_table, to_table
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.gsm8k_math import Math


@dataclass(frozen=True)
class Imported:
    """The three tables of a corpus, and the fault of each row that was skipped."""

    problems: pd.DataFrame
    solutions: pd.DataFrame
    labels: pd.DataFrame
    skipped: list[str]


def import_corpus(corpus: Corpus, seed: int) -> Imported:
    """A corpus from its file or the hub; raises UserError for a malformed row unless the corpus
    skips malformed rows.
    """
    skipped: list[str] = []
    rows = sources.rows(
        corpus.source, corpus.path, "train", skipped if corpus.skip_malformed else None
    )
    count = min(corpus.limit or len(rows), len(rows))
    found: list[Labelled] = []
    for index in sorted(sources.choose(range(len(rows)), count, seed, corpus.name)):
        try:
            found += READERS[corpus.source](rows, index)
        except UserError as error:
            if not corpus.skip_malformed:
                raise UserError(f"{error}; corpora: skip_malformed: true skips such rows") from None
            skipped.append(str(error))
    if not found:
        raise UserError(
            f"corpora: {corpus.name}: no labelled solution; {len(skipped)} rows were skipped"
        )
    return Imported(*_tables(corpus, found), skipped)


def _tables(
    corpus: Corpus, found: Sequence[Labelled]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Problems (each text once), solutions in their order, and a label for each of their steps."""
    problems = _problems(corpus, found)
    ids = [problems[each.problem].problem_id for each in found]
    seen: Counter[str] = Counter()
    numbers = []
    for name in ids:
        numbers.append(seen[name])
        seen[name] += 1
    labels = _labels(corpus, found, ids, numbers)
    return to_table(list(problems.values())), _solutions(found, ids, numbers), labels


def _problems(corpus: Corpus, found: Sequence[Labelled]) -> dict[str, Problem]:
    """The problems by their text."""
    # anybody may write a file in the format of TRL or of GSM8K's solutions
    is_private = bool(corpus.path) and corpus.source in ("trl_stepwise", "solutions")
    usual = sources.OF_FILE if is_private else sources.PUBLISHED[corpus.source].licence
    problems: dict[str, Problem] = {}
    for each in found:
        if each.problem not in problems:
            held_out = bucket(each.problem) < 100 * corpus.validation
            split = "validation" if held_out else "train"
            problems[each.problem] = Problem(
                problem_id=f"{corpus.name}/{split}/{len(problems):05d}",
                domain=corpus.domain,
                split=split,
                prompt=each.problem,
                answer=each.answer,
                tests=None,
                difficulty=0,
                source=corpus.source,
                licence=corpus.licence or usual,
            )
    return problems


def _solutions(
    found: Sequence[Labelled], ids: Sequence[str], numbers: Sequence[int]
) -> pd.DataFrame:
    """The solutions; nothing is known of their tokens and costs."""
    nan = float("nan")
    unknown = Continuation(
        (), None, 0, nan, self_certainty=nan, flops=nan, min_logprob=nan, prefix_flops=nan
    )
    rows = []
    for problem_id, number, each in zip(ids, numbers, found, strict=True):
        solution = replace(unknown, steps=each.steps, finish_reason="stop" if each.whole else None)
        grade = Grade(None, bool(each.labels[-1]))
        rows.append(to_row(problem_id, number, each.author, solution, grade))
    return pd.DataFrame(rows).astype({"answer": "string"})


def _labels(
    corpus: Corpus, found: Sequence[Labelled], ids: Sequence[str], numbers: Sequence[int]
) -> pd.DataFrame:
    """A label for each step of the solutions."""
    lengths = [len(each.steps) for each in found]
    flat = np.concatenate([each.labels for each in found])
    return pd.DataFrame(
        {
            "problem_id": np.repeat(np.array(ids, dtype=object), lengths),
            "solution_id": np.repeat(numbers, lengths),
            "step": np.concatenate([np.arange(n) for n in lengths]),
            "method": corpus.source,
            "decision": "published",
            "rollouts": 0,
            "successes": 0,
            "value": flat.astype(float),
            "label": flat,
            "policy": np.repeat(np.array([each.author for each in found], dtype=object), lengths),
            "weights": "",
            "k": 0,
            "temperature": np.nan,
            "seed": 0,
            "tokens_spent": 0,
            "truth": np.nan,
        }
    )


def judge_corpus(imported: Imported) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The solutions with the answers that our grader reads in them, and the rows where its verdict
    differs from the published one.

    The second table has problem_id, policy, `answer`, `reference`, and `correct`, the published
    verdict. Only math problems with a reference are judged.
    """
    by_id = {problem.problem_id: problem for problem in from_table(imported.problems)}
    problems = [by_id[name] for name in imported.solutions["problem_id"]]
    grades = Math("", None).grade(problems, imported.solutions["text"].tolist())
    answers = pd.array([grade.answer for grade in grades], dtype="string")
    solutions = imported.solutions.assign(answer=answers)
    differ = [_differs(*row) for row in zip(problems, grades, solutions["correct"], strict=True)]
    references = [problem.answer for problem in problems]
    compared = solutions[["problem_id", "policy", "answer", "correct"]]
    return solutions, compared.assign(reference=references)[differ]


def _differs(problem: Problem, grade: Grade, published: Any) -> bool:
    """Whether our verdict is another; never without a reference."""
    return problem.answer is not None and grade.correct != bool(published)
