"""Studies side by side: intervals with known truth, verdicts, configurations, a page, bad input."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from pipeline import digest
from simulated_designs import outcomes

from prmscale.analysis.estimates import SHARE, mean_interval
from prmscale.analysis.intervals import subtract_ends, subtract_independent
from prmscale.compare import claims
from prmscale.compare.differences import OWN
from prmscale.compare.studies import flatten


@pytest.mark.parametrize("seeds", [(1, 1), (2, 3), (5, 5)])
def test_differences_of_independent_studies_cover_the_truth(seeds):
    """Both solve half of their problems in truth."""
    generator, hits, by_ends, tried = np.random.default_rng(1), 0, 0, 500
    for _ in range(tried):
        spread = 0.05 if min(seeds) > 1 else 0.0
        a, b = (
            mean_interval(outcomes(generator, 150, each, spread), within=SHARE) for each in seeds
        )
        found = subtract_independent(a, b, 0.95)
        hits += found.low <= 0 <= found.high
        _, low, high = subtract_ends((a.mean, a.low, a.high), (b.mean, b.low, b.high))
        by_ends += low <= 0 <= high
    assert 0.93 <= hits / tried <= 0.995
    assert 0.93 <= by_ends / tried <= 0.995


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("supported", "supported", claims.AGREE),
        ("supported", "not supported", claims.CONTRADICT),
        ("inconclusive", "inconclusive", claims.OPEN),
        ("inconclusive", "equivalent", claims.ONE_SIDED),
        ("equivalent", "supported", claims.DIFFER),
        ("not yet measured", "supported", claims.UNMEASURED),
        (float("nan"), "supported", claims.UNMEASURED),
    ],
)
def test_two_verdicts_agree_or_contradict(first, second, said):
    assert claims.judge_agreement(first, second) == said
    assert claims.judge_agreement(second, first) == said


def test_keys_of_blocks_in_lists_are_named():
    config = {"models": [{"name": "a", "base": "m"}, {"name": "b", "base": "s"}], "budgets": [1, 2]}
    found = dict(flatten(config))
    assert found["models[b].base"] == '"s"' and found["budgets"] == "[1, 2]"


def compare(folder, *names):
    return subprocess.run(
        [sys.executable, "-m", "prmscale.compare", *names],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "two studies or more"),
        (("a",), "two studies or more"),
        (("a", "a"), "named twice"),
        (("a", "b"), "no such study"),
        (("../a", "b"), "no such study"),
    ],
)
def test_bad_names_are_told_in_words(tmp_path, names, said):
    done = compare(tmp_path, *names)
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.fixture(scope="module")
def two(project, tmp_path_factory):
    """The smoke study, and a copy in which one reward model always chooses wrong."""
    folder = tmp_path_factory.mktemp("two")
    for name in ("smoke", "<i>other"):
        shutil.copytree(project / "results/smoke", folder / "results" / name)
    path = folder / "results/<i>other/search/both-m.parquet"
    pd.read_parquet(path).assign(correct=0.0).to_parquet(path, index=False)
    config = folder / "results/<i>other/config.yaml"
    changed = yaml.safe_load(config.read_text())
    changed["seed"] = 99
    config.write_text(yaml.safe_dump(changed, sort_keys=False))
    return folder


@pytest.mark.study
def test_a_changed_model_is_told_from_the_rest_and_reruns_are_equal(two):
    done = compare(two, "smoke", "<i>other")
    assert done.returncode == 0, done.stderr
    folder = two / "results/compare/smoke+<i>other"
    before = digest(folder)
    assert pd.read_csv(folder / "configuration.csv").key.tolist() == ["seed"]
    numbers = pd.read_csv(folder / "numbers.csv")
    accuracy = numbers[(numbers.part == "accuracy") & (numbers.pairing == "same samples")]
    of_model = accuracy.reward_model == "both-m"
    changed = of_model & (accuracy.aggregation == OWN)  # its trees are in other files
    assert changed.any()
    assert np.allclose(accuracy[changed].difference, -accuracy[changed].reference_value)
    assert (accuracy[~of_model].verdict == "equal in every problem").all()
    page = (folder / "compare.html").read_text()
    assert "&lt;i&gt;other" in page and "<i>" not in page and "<script" not in page
    assert compare(two, "smoke", "<i>other").returncode == 0 and digest(folder) == before


@pytest.mark.study
def test_an_unfinished_study_is_named_with_what_it_lacks(two, tmp_path):
    shutil.copytree(two / "results", tmp_path / "results")
    (tmp_path / "results/smoke/search/without.parquet").unlink()
    shutil.rmtree(tmp_path / "results/compare", ignore_errors=True)
    done = compare(tmp_path, "smoke", "<i>other")
    assert done.returncode == 1 and "missing: results/smoke/search/without" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "results/compare").exists()
