"""A policy judges its own solutions in a study: alone, and guiding a search step by step."""

import json

import pandas as pd
import pytest
from pipeline import copy_project, snakemake

pytestmark = pytest.mark.study

ASKED = {"prompt": "{problem} : {steps}", "verdicts": ["answer is 1", "answer is 0"]}
JUDGED = {
    "study": "judged",
    "datasets": [
        {"name": "arithmetic", "source": "arithmetic", "train": 4, "validation": 4, "test": 4}
    ],
    "policies": {
        "pretraining": {
            "tokens": 20000, "ladder": [{"name": "m", "width": 16, "layers": 2, "heads": 2}],
        },
        "sampling": {"max_tokens": 40},
    },
    "labels": {"policy": "m", "compare": {"methods": []}},
    "rewards": {
        "data": [],
        "models": [],
        "verifiers": [
            {"name": "itself", "base": "m", "thoughts": 0, **ASKED},
            {"name": "thinker", "base": "m@30", "thoughts": 2, "max_tokens": 6, **ASKED},
        ],
    },
    "search": {
        "evaluations": [{"policy": "m", "datasets": ["arithmetic"], "samples": 4}],
        "budgets": [1, 4],
        "likelihoods": [],
        "tree": {
            "reward_models": ["thinker"], "strategies": ["beam"], "unit": "flops", "shards": 1,
        },
    },
    "analysis": {"aggregation": "min", "figures": ["controls", "fig5"]},
}  # fmt: skip


def test_a_study_of_verifiers_alone(tmp_path):
    folder = copy_project(tmp_path)
    (folder / "judged.json").write_text(json.dumps(JUDGED))
    done = snakemake(folder, "--configfile", "judged.json")
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    results = folder / "results/judged"
    counts = json.loads((results / "search/thinker.verdicts.json").read_text())
    assert counts["thoughts"] == counts["verdicts"] >= counts["cut"] > 0
    rows = {
        name: pd.read_parquet(results / f"search/{name}.parquet") for name in ("itself", "thinker")
    }
    spent = {name: table.reward_tokens.sum() for name, table in rows.items()}
    assert spent["thinker"] > spent["itself"] > 0
    tree = pd.read_parquet(results / "search/trees/thinker/m/arithmetic.parquet")
    assert (tree.reward_tokens > 0).all()
    controls = pd.read_csv(results / "figures/controls.csv")
    assert "thinker (verifier)" in set(controls.selection)
    assert (results / "figures/fig5.csv").stat().st_size and (results / "claims.md").exists()
    # the same thoughts in another run
    before = (results / "search/thinker.parquet").read_bytes()
    (results / "search/thinker.parquet").unlink()
    done = snakemake(folder, "results/judged/search/thinker.parquet", "--configfile", "judged.json")
    assert done.returncode == 0, done.stderr[-2000:]
    assert (results / "search/thinker.parquet").read_bytes() == before
