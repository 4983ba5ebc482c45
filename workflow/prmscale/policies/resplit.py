"""The solutions of a data set, split into the steps of another."""

from __future__ import annotations

import pandas as pd

from prmscale.study import StepRule
from prmscale.tasks import steps as step_text
from prmscale.tasks.base import rename


def resplit(solutions: pd.DataFrame, dataset: str, rule: StepRule) -> pd.DataFrame:
    """The same solutions, with their grades and costs, as a data set that splits them by `rule`.

    Their texts are those of their steps: a rule that drops blank lines leaves none for another.
    """
    steps = [step_text.split(text, rule) for text in solutions["text"]]
    names = solutions["problem_id"].map(lambda name: rename(name, dataset))
    texts = [step_text.join(each) for each in steps]
    return solutions.assign(problem_id=names, steps=steps, text=texts)
