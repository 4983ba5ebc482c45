"""Advantage under a prover: a step is rewarded for what it does for another policy, too.

Setlur et al. 2024 (arXiv 2410.08146): the effective reward of a step is Q + weight * A. Q is its
value under the policy that wrote it. A is its advantage under a prover that differs from this
policy: the prover's value after the step less that before it. One of their provers is best-of-K of
a policy, which fails if all of K solutions do.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from prmscale.labels.stored import pool, value_before
from prmscale.study import Advantage


def advantage(tables: Sequence[pd.DataFrame], settings: Advantage) -> pd.DataFrame:
    """The labels by effective reward, which is their value, clipped to 0..1; above 0 is right.

    `tables` are Monte-Carlo labels of the same steps, by the writer and then by the prover's
    policy; a single table is of both.
    """
    writer, prover = tables[0], tables[-1]
    after = _keep_best(prover["value"], settings.best_of)
    before = _keep_best(value_before(prover), settings.best_of)
    # rounded, so that a sum of shares that is 0 is not a trifle above
    reward = (writer["value"] + settings.weight * (after - before)).round(12)
    named = "" if settings.best_of == 1 else f"best of {settings.best_of} by "
    return pool(tables).assign(
        method="advantage",
        decision=f"value + {settings.weight:g} x advantage under {named}"
        + prover["policy"].astype(str)
        + " above 0",
        value=reward.clip(0, 1),
        label=(reward > 0).astype(int),
    )


def _keep_best(values: pd.Series, count: int) -> pd.Series:
    """The chance that one of `count` solutions is right, each with the chance `values`."""
    return 1 - (1 - values) ** count
