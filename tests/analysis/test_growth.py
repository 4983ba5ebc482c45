"""Forms of growth on curves whose form is known, and emergence on simulated trainings that leap, or
do not.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prmscale import results as collect
from prmscale.analysis import diversity, emergence, forms, growth
from prmscale.files import write_json

SIZES = np.array([16.0, 17.2, 18.0, 19.1, 20.5])
STEPS = [22, 68, 135, 225, 338, 450]
X = np.log2(STEPS) - np.log2(STEPS[0])
TRAININGS = {  # mean accuracies along training
    "steady": 0.3 + 0.13 * X,
    "saturating": 0.9 - 0.6 * 2.0 ** (-0.8 * X),
    "sigmoid": 0.3 + 0.6 / (1 + 9.0 ** (-2 * (X - 2.7) / 2)),
    "leap": np.where(X > 3, 0.85, 0.35),
}


@pytest.mark.parametrize(
    ("values", "best"),
    [
        (0.2 + 0.1 * (SIZES - 16), forms.LOGARITHM),
        (1 - 0.7 * 2.0 ** (-forms.EXPONENTS[20] * (SIZES - 16)), forms.POWER_LAW),
        (0.8 - 0.5 * 2.0 ** (-forms.EXPONENTS[30] * (SIZES - 16)), forms.SATURATING),
    ],
    ids=["logarithm", "power law", "saturating"],
)
def test_the_true_form_predicts_a_size_left_out(values: np.ndarray, best: forms.Form) -> None:
    errors = {
        form: forms.leave_one_out_rmse(form, SIZES, values[None])[0] for form in forms.OF_SIZE
    }
    assert errors[best] == pytest.approx(0, abs=1e-9)
    # a power law of the error is a saturating curve too
    wrong = [form for form in forms.OF_SIZE if form not in (best, forms.SATURATING)]
    assert min(errors[form] for form in wrong) > 0.01
    assert forms.find_best_of_size(SIZES, values) not in wrong


def test_a_jump_is_fitted_where_it_is() -> None:
    values = (0.3 + 0.05 * X + 0.4 * (X > 3))[None]
    assert forms.rmse(forms.JUMP, X, values)[0] == pytest.approx(0, abs=1e-9)
    assert min(forms.rmse(form, X, values)[0] for form in forms.SMOOTH) > 0.02


def _accuracies(kind: str, seeds: int, generator: np.random.Generator) -> np.ndarray:
    """Right or wrong (200 problems x seeds x checkpoints): seeds, and their checkpoints, have luck
    of their own.
    """
    shape = (200, seeds, len(STEPS))
    logits = np.log(TRAININGS[kind] / (1 - TRAININGS[kind])) * 1.4 + 1.5 * generator.normal(
        size=(200, 1, 1)
    )
    logits = (
        logits
        + 0.2 * generator.normal(size=(1, seeds, 1))
        + 0.2 * generator.normal(size=(1, *shape[1:]))
    )
    return (generator.random(shape) < 1 / (1 + np.exp(-logits))).astype(float)


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("leap", 0.8, 1.0), *((k, 0.0, 0.05) for k in list(TRAININGS)[:3])]
)
def test_a_leap_is_found_and_smooth_growth_is_not_taken_for_one(
    kind: str, least: float, most: float
) -> None:
    generator, studies = np.random.default_rng(2), 60
    found = [
        emergence.emergence(_accuracies(kind, 3, generator), STEPS, 0.95) for n in range(studies)
    ]
    assert least <= sum(e.verdict == "supported" for e in found) / studies <= most
    if kind == "leap":
        assert {(e.before, e.after) for e in found if e.verdict == "supported"} == {(135, 225)}
        assert np.mean([e.size for e in found]) == pytest.approx(0.5, abs=0.1)


def test_one_seed_decides_nothing() -> None:
    values = np.tile(TRAININGS["leap"], (200, 1, 1))
    assert emergence.emergence(values, STEPS, 0.95).verdict == "inconclusive"


def test_losses_along_training_are_gathered(tmp_path: Path) -> None:
    """A loss that leaps, of two seeds; a released model has no metrics."""
    loss = 1 - TRAININGS["leap"]
    for seed in (1, 2):
        folder = tmp_path / f"replicate{seed}"
        write_json({"reward_model": "prm", "replicate": seed}, folder / "reward_model.json")
        rows = [
            f"{step},{value * (1 + 0.01 * seed)},80"
            for step, value in zip(STEPS, loss, strict=True)
        ]
        (folder / "metrics.csv").write_text("\n".join(["training_step,loss,problems", *rows]))
    write_json(
        {"reward_model": "released", "replicate": 1}, tmp_path / "released" / "reward_model.json"
    )
    training = collect.training(sorted(tmp_path.iterdir()))
    assert len(training) == 12 and set(training["reward_model"]) == {"prm"}
    search = pd.DataFrame(columns=["strategy", "reward_model", "aggregation", "dataset"])
    ((name, problems, steps, values),) = emergence.measures(search, training, "prm", "min")
    assert (name, problems, steps, values.shape) == (emergence.LOSS, 80, STEPS, (1, 2, 6))
    assert emergence.emergence(values, steps, 0.95).verdict == "supported"
    assert emergence.emergence(-values, steps, 0.95).verdict == "not supported"  # a fall is no leap


@pytest.mark.parametrize("apart", np.linspace(0.001, 0.3, 20).tolist())
def test_seeds_that_rounding_alone_sets_apart_decide_nothing(apart: float) -> None:
    """Of curves that differ by a constant, every fit differs by it too."""
    values = TRAININGS["leap"] + apart * np.array([[[1.0], [2.0]]])
    found = emergence.emergence(values, STEPS, 0.95)
    assert found.verdict == "inconclusive" and np.isnan([found.better.low, found.better.high]).all()


def test_growth_in_steady_doublings_shows_no_curvature() -> None:
    logs = np.array([0.0, 1.2, 2.0, 3.1])
    weights = growth.curvature_weights(logs)
    assert weights @ (2 + 0.3 * logs) == pytest.approx(0, abs=1e-12)
    assert weights @ (1 + 0.3 * logs - 0.1 * logs**2) == pytest.approx(-0.2)


def test_the_slope_of_a_line_is_found() -> None:
    doublings = np.log2([2, 4, 7])
    assert diversity.slope_weights(doublings) @ (3 + 0.2 * doublings) == pytest.approx(0.2)
