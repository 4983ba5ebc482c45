"""What the explorer of the smoke study holds, read without a browser."""

import base64
import gzip
import json
import re

import numpy as np
import pandas as pd
import pytest

from prmscale.explorer.packing import MISSING, STEPS, compress, pack_shares
from prmscale.study import World
from prmscale.tasks.world.arithmetic import Arithmetic
from prmscale.tasks.world.programs import Programs

KINDS = {"u8": "<u1", "i16": "<i2", "u32": "<u4"}


def column(packed):
    ((kind, text),) = packed.items()
    return np.frombuffer(base64.b64decode(text), KINDS[kind])


@pytest.fixture(scope="module")
def held(project):
    page = (project / "results/smoke/explorer.html").read_text()
    text = re.search(r'<script id="data"[^>]*>(.*?)</script>', page, re.DOTALL).group(1)
    return json.loads(gzip.decompress(base64.b64decode(text)))


@pytest.mark.study
def test_the_page_holds_what_the_tables_hold(project, held):
    results = project / "results/smoke"
    names = [(each["policy"], each["dataset"], each["split"]) for each in held["sets"]]
    datasets, splits = ("arithmetic", "programs"), ("test", "validation")
    assert names == [("m", dataset, split) for split in splits for dataset in datasets]
    programs = held["sets"][1]
    written = pd.read_parquet(results / "solutions/m/programs.search.parquet")
    texts = [held["texts"][step] for step in column(programs["solutions"]["steps"])]
    assert texts == [step for steps in written.steps for step in steps]
    assert (column(programs["solutions"]["correct"]) == written.correct).all()
    scores = pd.read_parquet(results / "solution_scores/code-m.parquet")
    own = scores[
        (scores.dataset == "programs") & (scores.split == "test") & (scores.replicate == 2)
    ]
    found = column(programs["scores"]["code-m"][1]) / STEPS
    np.testing.assert_allclose(found, np.concatenate([*own.scores]), atol=0.5 / STEPS + 1e-9)
    search = pd.read_parquet(results / "search/code-m.parquet")
    for choice in programs["choices"]:
        if choice["reward_model"] == "code-m" and choice["strategy"] == "best_of_n":
            keys = ("strategy", "aggregation", "budget", "replicate")
            rows = search[search.dataset == "programs"]
            for key in keys:
                rows = rows[rows[key] == choice[key]]
            assert (column(choice["chosen"]) == rows.chosen).all()
            assert (column(choice["policy_tokens"]) == rows.policy_tokens).all()
    labelled = held["sets"][3]["solutions"]
    labels = pd.read_parquet(results / "labels/m/programs.monte_carlo.parquet")
    values = labels[labels.problem_id.str.contains("/validation/")].value
    np.testing.assert_allclose(column(labelled["values"]) / STEPS, values, atol=0.5 / STEPS + 1e-9)


def test_a_missing_share_is_told_from_none():
    assert list(column(pack_shares([0, 1, np.nan, 0.5]))) == [0, STEPS, MISSING, STEPS / 2]
    assert compress({"a": 1}) == compress({"a": 1})


@pytest.mark.parametrize(("task", "solution"), [(Arithmetic, "answer {}"), (Programs, "{}")])
def test_a_misreading_leads_to_a_wrong_answer(task, solution):
    made = task("t", World(modulus=97))  # so large that hardly a wrong answer is right by chance
    problems = made.load("test", 40, seed=0)
    misread = [made.misread_answers(problem) for problem in problems]
    assert sum(map(bool, misread)) > 20
    for problem, answers in zip(problems, misread, strict=True):
        (right,) = made.grade([problem], [solution.format(problem.answer)])
        assert right.correct and right.answer not in answers
