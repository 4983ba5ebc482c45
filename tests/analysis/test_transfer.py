"""The transfer matrix on simulated reward models."""

from __future__ import annotations

import pandas as pd
import pytest
import simulated

from prmscale.analysis.transfer import measure_matrix
from prmscale.analysis.verdicts import Rules

RULES = Rules(smallest_effects={"math_to_code": 0.1}, aggregation="min")


@pytest.mark.parametrize(("other", "said"), [(0.55, "supported"), (0.2, "not supported")])
def test_transfer_has_every_training_domain_on_every_data_set_and_policy(
    other: float, said: str
) -> None:
    models = simulated.prms(both=1.5, own=0.6, other=other)
    search = simulated.search(models, 800, policies=("s64", "s96"))
    found = measure_matrix(search, simulated.reward_models(models), RULES).set_index(
        ["policy", "dataset", "trained_on"]
    )
    assert len(found) == 2 * 2 * 3 and set(found["n"]) == {800} and set(found["budget"]) == {64}
    domains = {"programs": "code", "arithmetic": "math"}
    for (policy, dataset, trained_on), row in found.iterrows():
        home = found.loc[(policy, dataset, domains[dataset])]
        if trained_on == domains[dataset]:
            assert pd.isna(row["difference"]) and pd.isna(row["verdict"])
        else:
            assert row["difference"] == pytest.approx(row["accuracy"] - home["accuracy"])
            assert row["verdict"] == (said if trained_on != "both" else "not supported")
