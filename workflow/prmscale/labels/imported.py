"""Corpora of solutions that others have written and labelled, as the tables that reward models are
trained from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from prmscale.errors import UserError
from prmscale.labels.published import READERS, Labelled
from prmscale.study import Corpus
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import Grade, Problem, from_table, to_table
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.gsm8k_math import Math


@dataclass(frozen=True)
class Imported:
    """The three tables of a corpus, and what is wrong with each row that was left out."""

    problems: pd.DataFrame
    solutions: pd.DataFrame
    labels: pd.DataFrame
    skipped: list[str]


def load(corpus: Corpus, seed: int) -> Imported:
    """A corpus from its file or the hub; raises UserError for a malformed row unless those are to
    be skipped.
    """
    skipped: list[str] = []
    rows = sources.rows(
        corpus.source, corpus.path, "train", skipped if corpus.skip_malformed else None
    )
    wanted = min(corpus.limit or len(rows), len(rows))
    found: list[Labelled] = []
    for index in sorted(sources.choose(range(len(rows)), wanted, seed, corpus.name)):
        try:
            found += READERS[corpus.source](rows, index)
        except UserError as error:
            if not corpus.skip_malformed:
                raise UserError(f"{error}; corpora: skip_malformed leaves such rows out") from None
            skipped.append(str(error))
    if not found:
        raise UserError(
            f"corpora: {corpus.name}: not one labelled solution; {len(skipped)} rows were skipped"
        )
    return Imported(*_tables(corpus, found), skipped)


def _tables(
    corpus: Corpus, found: Sequence[Labelled]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Problems (each text once), solutions in their order, and a label for each of their steps."""
    # a file in the format of TRL or of GSM8K's solutions may be anybody's
    known = (
        None
        if corpus.path and corpus.source in ("trl_stepwise", "solutions")
        else sources.PUBLISHED[corpus.source]
    )
    problems: dict[str, Problem] = {}
    for each in found:
        if each.problem not in problems:
            held_out = sources.bucket(each.problem) < 100 * corpus.validation
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
                licence=known.licence if known else "that of the file",
            )
    seen: Counter[str] = Counter()
    numbers = []
    for each in found:
        numbers.append(seen[each.problem])
        seen[each.problem] += 1
    ids = [problems[each.problem].problem_id for each in found]
    solutions = pd.DataFrame(
        {
            "problem_id": ids,
            "solution_id": numbers,
            "policy": [each.author for each in found],
            "steps": [list(each.steps) for each in found],
            "text": [step_text.join(each.steps) for each in found],
            "answer": pd.Series([None] * len(found), dtype="string"),
            "finish_reason": ["stop" if each.whole else "partial" for each in found],
            "tokens": 0,  # nobody here has written them
            "correct": [bool(each.labels[-1]) for each in found],
            "found_by": "",
            "logprob": np.nan,
            "min_logprob": np.nan,
            "self_certainty": np.nan,
            "prefix_tokens": 0,
            "flops": np.nan,
            "prefix_flops": np.nan,
            "thought": "",
        }
    )
    lengths = [len(each.steps) for each in found]
    flat = np.concatenate([each.labels for each in found])
    labels = pd.DataFrame(
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
    return to_table(list(problems.values())), solutions, labels


def judged(imported: Imported) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The solutions with the answers that we read in them, and those whose published verdict is not
    ours.

    A disagreement has its problem_id, policy, the answer, the reference, and `correct`, what was
    published. Only math problems with a reference are judged.
    """
    by_id = {problem.problem_id: problem for problem in from_table(imported.problems)}
    own = [by_id[name] for name in imported.solutions.problem_id]
    judge = Math("", None)
    grades = judge.grade(own, imported.solutions.text.tolist())
    solutions = imported.solutions.assign(
        answer=pd.array([grade.answer for grade in grades], dtype="string")
    )
    differ = [_differs(p, g, c) for p, g, c in zip(own, grades, solutions.correct, strict=True)]
    columns = ["problem_id", "policy", "answer", "correct"]
    return solutions, solutions.loc[differ, columns].assign(
        reference=[p.answer for p, d in zip(own, differ, strict=True) if d]
    )


def _differs(problem: Problem, grade: Grade, published: Any) -> bool:
    return problem.answer is not None and grade.correct != bool(published)
