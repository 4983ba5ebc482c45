"""A new label method: one function, registered in METHODS, labels a table of solutions."""

import pandas as pd
import pytest
from scripted import CoinPolicy, grade, problem

from prmscale.engines.requests import Judge
from prmscale.errors import UserError
from prmscale.labels import methods
from prmscale.labels.labeller import Labeller
from prmscale.labels.monte_carlo import Estimate, as_ended
from prmscale.study import OmegaTree


def outcome(solutions, complete, rollouts, decision):
    """Label every step by the outcome of the first solution that has it; no rollouts."""
    right = yield Judge([as_ended(solution) for solution in solutions])
    estimates = {}
    for solution, success in zip(solutions, right, strict=True):
        for end in range(1, len(solution) + 1):
            estimates.setdefault(solution[:end], Estimate(0, 0, 0, right=bool(success)))
    return estimates


def test_a_registered_method_labels_every_step(monkeypatch):
    monkeypatch.setitem(methods.METHODS, "outcome", outcome)
    solutions = pd.DataFrame(
        {
            "problem_id": problem().problem_id,
            "solution_id": [0, 1],
            "steps": [["1", "1", "1"], ["0", "1", "1"]],
            "finish_reason": "stop",
        }
    )
    provenance = {"method": "outcome", "decision": "outcome", "policy": "coin", "k": 0}
    method = methods.Method("outcome", rollouts=0)
    labeller = Labeller(method, None, grade, CoinPolicy(), OmegaTree(), provenance)
    labels = labeller.label([problem()], solutions)
    assert labels["label"].tolist() == [1, 1, 1, 0, 0, 0]
    assert labels["method"].unique().tolist() == ["outcome"]


def forget(solutions, complete, rollouts, decision):
    """An estimate of the whole solutions alone."""
    estimates = yield from outcome(solutions, complete, rollouts, decision)
    return {solution: estimates[solution] for solution in solutions}


def test_a_method_that_leaves_out_a_prefix_is_named(monkeypatch):
    monkeypatch.setitem(methods.METHODS, "forget", forget)
    solutions = pd.DataFrame({"problem_id": problem().problem_id, "steps": [["1", "1"]]})
    solutions["finish_reason"] = "stop"
    method = methods.Method("forget", rollouts=0)
    with pytest.raises(UserError, match=r"label method forget: toy/.*one has 1 steps"):
        methods.estimate_prefixes([problem()], solutions, method, CoinPolicy(), grade)
