"""Relative progress: a step is right if the chance of success does not fall much by it.

GenPRM's relative progress estimation (arXiv 2504.00891): P_t = MC(s_t, a_t) / MC(s_t), the value
after a step over the value before it; a step is right if P_t >= threshold. From the first step with
the value 0 on, every step is wrong.
"""

from __future__ import annotations

import pandas as pd

from prmscale.labels.stored import by_solution, value_before
from prmscale.study import Progress


def progress(labels: pd.DataFrame, settings: Progress) -> pd.DataFrame:
    """The labels by relative progress, and P_t, at most 1, as their value.

    `labels` are Monte-Carlo labels. A step that succeeds after a value of 0, which is possible only
    before the first step, has progressed.
    """
    value, before = labels["value"], value_before(labels)
    lost = by_solution(value == 0, labels).cummax()
    right = ~lost & (value >= settings.threshold * before)
    share = (value / before).clip(upper=1).where(~lost, 0.0)
    return labels.assign(
        method="progress",
        decision=f"at least {settings.threshold:g} of the value before, and no value of 0 so far",
        value=share,
        label=right.astype(int),
    )
