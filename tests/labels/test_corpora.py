"""Solutions that others have labelled: rows in the published formats, and what is said of those
that are not.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pipeline import copy_project, snakemake

from prmscale import tables
from prmscale.errors import UserError
from prmscale.labels import imported
from prmscale.rewards.examples import examples
from prmscale.rewards.metrics import best_of_n, metrics
from prmscale.study import Corpus, RewardTraining
from prmscale.tasks.base import from_table
from prmscale.tasks.benchmarks.sources import PUBLISHED

SHARED = Path(__file__).parents[3] / "shared" / "data"


def rated(text, rating):
    return {"text": text, "rating": rating, "flagged": None}


def step(*completions, chosen=None, human=None):
    return {
        "completions": list(completions),
        "chosen_completion": chosen,
        "human_completion": human,
    }


def prm800k(*steps, finish="solution", problem="Two plus two?"):
    return {
        "labeler": "x",
        "question": {
            "problem": problem,
            "ground_truth_answer": "4",
            "pre_generated_steps": ["unused"],
        },
        "label": {"steps": list(steps), "finish_reason": finish, "total_time": 1},
    }


PHASE_1 = prm800k(
    step(rated("Add.", 0), rated("Multiply.", -1), rated("?", None), chosen=0),
    step(rated("It is\n5.", -1), human=rated("It is 4.", None)),
)
PHASE_2 = prm800k(
    step(rated("Add.", 1), chosen=0), step(rated("It is 5.", -1)), finish="found_error"
)
SHEPHERD = {
    "input": "Two plus two? Step 1: Add - or so. ки\nStep 2: It is 5. The answer is: 5 ки",
    "label": "Two plus two? Step 1: Add - or so. +\nStep 2: It is 5. The answer is: 5 -",
    "task": "GSM8K",
}
TRL = {"prompt": "Two plus two?", "completions": ["Add.", "It is 5."], "labels": [True, False]}
MODELS = {
    "question": "Two plus two?",
    "ground_truth": "Add, the answer is near.\nA: 1,004\n",
    "6b": {"is_correct": True, "solution": "Add.\n\nA: 1004"},
    "175b": {"is_correct": True, "solution": "Guess.\nA: 5"},
}


def corpus(tmp_path, source, rows, **settings):
    file = tmp_path / f"{source}.jsonl"
    file.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    )
    return Corpus(name="theirs", source=source, path=str(file), **settings)


def labelled(found):
    """Steps and labels of every solution, as the tables say it."""
    by_solution = found.labels.groupby(["problem_id", "solution_id"], sort=False)["label"].apply(
        list
    )
    return [
        (tuple(s.steps), by_solution[s.problem_id, s.solution_id], s.correct)
        for s in found.solutions.itertuples()
    ]


@pytest.mark.parametrize(
    ("source", "row", "wanted"),
    [
        (
            "prm800k",
            PHASE_1,
            [
                (("Multiply.",), [0], False),
                (("Add.", "It is\n5."), [1, 0], False),
                (("Add.", "It is 4."), [1, 1], True),
            ],
        ),
        ("prm800k", PHASE_2, [(("Add.", "It is 5."), [1, 0], False)]),
        (
            "math_shepherd",
            SHEPHERD,
            [(("Step 1: Add - or so.", "Step 2: It is 5. The answer is: 5"), [1, 0], False)],
        ),
        ("trl_stepwise", TRL, [(("Add.", "It is 5."), [1, 0], False)]),
        (
            "solutions",
            MODELS,
            [(("Add.", "A: 1004"), [1, 1], True), (("Guess.", "A: 5"), [1, 1], True)],
        ),
    ],
)
def test_rows_in_their_published_format(source, row, wanted, tmp_path):
    found = imported.import_corpus(corpus(tmp_path, source, [row]), 0)
    assert labelled(found) == wanted
    (problem,) = from_table(found.problems)
    assert problem.prompt == "Two plus two?" and problem.domain == "math"
    assert problem.licence == {
        "prm800k": "MIT",
        "math_shepherd": PUBLISHED["math_shepherd"].licence,
    }.get(source, "that of the file")
    for kind in ("problems", "solutions", "labels"):
        tables.write(getattr(found, kind), tmp_path / f"{kind}.parquet", kind)
        tables.read(tmp_path / f"{kind}.parquet", kind)
    made = examples({problem.problem_id: problem}, found.solutions, found.labels, RewardTraining())
    assert [(e.steps, e.targets.tolist(), e.correct) for e in made] == wanted


def test_steps_keep_their_lines(tmp_path):
    code = ["def f():\n    x = 1", "    return x"]
    found = imported.import_corpus(
        corpus(tmp_path, "trl_stepwise", [{**TRL, "completions": code}]), 0
    )
    assert labelled(found) == [(tuple(code), [1, 0], False)]
    assert found.solutions.text.tolist() == ["def f():\n    x = 1\n    return x\n"]


def test_a_problem_may_list_steps_of_its_own(tmp_path):
    listed = "Do as said. Step 1: add. Step 2: double. What is it?"
    row = {key: value.replace("Two plus two?", listed) for key, value in SHEPHERD.items()}
    found = imported.import_corpus(corpus(tmp_path, "math_shepherd", [row]), 0)
    assert from_table(found.problems)[0].prompt == listed
    assert labelled(found) == [
        (("Step 1: Add - or so.", "Step 2: It is 5. The answer is: 5"), [1, 0], False)
    ]


def test_paths_that_end_nowhere_are_chosen_by_no_aggregation(tmp_path):
    found = imported.import_corpus(corpus(tmp_path, "prm800k", [PHASE_1]), 0)
    assert found.solutions.finish_reason.tolist() == ["partial", "partial", "stop"]
    (problem,) = from_table(found.problems)
    made = examples({problem.problem_id: problem}, found.solutions, found.labels, RewardTraining())
    scores = [np.full(len(e.steps), 0.1 if e.whole else 0.9) for e in made]
    assert (
        best_of_n(made, scores)["best_of_n_last"] == 1.0 and metrics(made, scores)["problems"] == 1
    )
    assert best_of_n(made[:1], scores[:1]) == {}


def test_a_path_that_breaks_off_at_an_unrated_step_ends_nowhere(tmp_path):
    row = prm800k(step(rated("Add.", 1), chosen=0), step(rated("It is 4.", None), chosen=0))
    found = imported.import_corpus(corpus(tmp_path, "prm800k", [row]), 0)
    assert found.solutions.finish_reason.tolist() == ["partial"]
    (problem,) = from_table(found.problems)
    by_outcome = RewardTraining(supervise="outcome")
    assert examples({problem.problem_id: problem}, found.solutions, found.labels, by_outcome) == []


def test_a_problem_reported_as_broken_teaches_nothing(tmp_path):
    rows = [prm800k(step(rated("Add.", 1), chosen=0), finish="bad_problem"), PHASE_2]
    assert len(imported.import_corpus(corpus(tmp_path, "prm800k", rows), 0).solutions) == 1


@pytest.mark.parametrize(
    ("source", "good", "bad", "said"),
    [
        ("prm800k", PHASE_2, {"question": {}}, "no 'label'"),
        ("prm800k", PHASE_2, {"question": {}, "label": {"steps": []}}, "'problem' should be str"),
        ("prm800k", PHASE_2, prm800k("Add."), "'steps' should be a list of blocks"),
        ("prm800k", PHASE_2, prm800k(step("Add.")), "'completions' should be a list of blocks"),
        ("prm800k", PHASE_2, prm800k(step(rated("Add.", 3), chosen=0)), "a rating of 3"),
        ("prm800k", PHASE_2, prm800k(step(rated(" ", 1), chosen=0)), "an empty step"),
        ("math_shepherd", SHEPHERD, {"input": "x"}, "no 'label' in this row"),
        (
            "math_shepherd",
            SHEPHERD,
            {**SHEPHERD, "label": SHEPHERD["label"][:-1]},
            "not 'input' with",
        ),
        ("math_shepherd", SHEPHERD, {**SHEPHERD, "label": SHEPHERD["input"]}, "not 'input' with"),
        ("math_shepherd", SHEPHERD, {"input": "Add. ки", "label": "Add. +"}, "'Step 1:'"),
        ("math_shepherd", SHEPHERD, {"input": "Add.", "label": "Add."}, "'Step 1:'"),
        ("trl_stepwise", TRL, {**TRL, "labels": [True]}, "2 completions and 1 labels"),
        ("trl_stepwise", TRL, {**TRL, "labels": ["+", "-"]}, "true or false"),
        ("trl_stepwise", TRL, {**TRL, "completions": "Add."}, "'completions' should be list"),
        ("trl_stepwise", TRL, {**TRL, "completions": ["Add.", None]}, "should be texts"),
        (
            "solutions",
            MODELS,
            {**MODELS, "6b": {"solution": "A: 4"}},
            "'is_correct' should be bool",
        ),
        (
            "solutions",
            MODELS,
            {"question": "?", "ground_truth": "4"},
            "no column with a 'solution'",
        ),
        ("trl_stepwise", TRL, '{"prompt": ', "not valid JSON"),
        ("trl_stepwise", TRL, "[]", "no columns"),
    ],
)
def test_a_malformed_row_is_an_error_or_counted_and_listed(source, good, bad, said, tmp_path):
    rows = [good, "", bad, good]
    with pytest.raises(UserError, match=rf"{source}.jsonl, line 3: .*{said}"):
        imported.import_corpus(corpus(tmp_path, source, rows), 0)
    found = imported.import_corpus(corpus(tmp_path, source, rows, skip_malformed=True), 0)
    (skipped,) = found.skipped
    assert "line 3" in skipped and said in skipped
    assert len(found.solutions) == 2 * len(
        imported.import_corpus(corpus(tmp_path, source, [good]), 0).solutions
    )
    with pytest.raises(UserError, match="no labelled solution"):
        imported.import_corpus(corpus(tmp_path, source, [bad], skip_malformed=True), 0)


def test_both_phases_of_prm800k_come_from_the_hub_line_by_line(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda *a, **k: asked.append((a, k)) or str(tmp_path)
    )
    for name, row in (
        ("phase1_train", PHASE_1),
        ("phase2_train", PHASE_2),
        ("phase2_test", {"not": "read"}),
    ):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n{\n")
    found = imported.import_corpus(Corpus(name="prm800k", source="prm800k", skip_malformed=True), 0)
    assert len(found.solutions) == 4 and set(found.problems.licence) == {"MIT"}
    assert [place.split(": ")[0] for place in found.skipped] == [
        f"{tmp_path}/phase{n}_train.jsonl, line 2" for n in (1, 2)
    ]
    (((hub,), options),) = asked
    assert hub == "tasksource/PRM800K" and len(options["revision"]) == 40
    with pytest.raises(UserError, match=r"phase1_train.jsonl, line 2: not valid JSON"):
        imported.import_corpus(Corpus(name="prm800k", source="prm800k"), 0)


def test_a_problem_is_in_one_split_and_a_limit_draws_rows(tmp_path):
    rows = [{**TRL, "prompt": f"problem {i % 100}"} for i in range(400)]
    found = imported.import_corpus(corpus(tmp_path, "trl_stepwise", rows, validation=0.3), 0)
    assert len(found.problems) == found.problems.prompt.nunique() == 100
    assert 15 < (found.problems.split == "validation").sum() < 45
    assert Counter(found.solutions.solution_id) == {n: 100 for n in range(4)}
    few = [
        imported.import_corpus(
            corpus(tmp_path, "trl_stepwise", rows, validation=0.3, limit=50), seed
        )
        for seed in (0, 0, 1)
    ]
    assert [len(f.solutions) for f in few] == [50] * 3
    assert few[0].problems.equals(few[1].problems) and not few[0].problems.equals(few[2].problems)
    splits = found.problems.set_index("prompt")["split"]
    assert all(splits[p.prompt] == p.split for p in few[0].problems.itertuples())


def test_our_verdicts_are_held_against_the_published_ones(tmp_path):
    solutions, differing = imported.judge_corpus(
        imported.import_corpus(corpus(tmp_path, "solutions", [MODELS]), 0)
    )
    assert solutions.answer.tolist() == ["1004", "5"]
    assert differing.to_dict("records") == [
        {
            "problem_id": solutions.problem_id[0],
            "policy": "175b",
            "answer": "5",
            "correct": True,
            "reference": "1,004",
        }
    ]


@pytest.mark.skipif(not SHARED.exists(), reason="the real rows are not beside this checkout")
def test_real_solutions_of_others_are_judged_as_they_were():
    file = SHARED / "gsm8k_model_solutions_part.jsonl"
    found = imported.import_corpus(
        Corpus(name="gsm8k-models", source="solutions", path=str(file)), 0
    )
    assert len(found.problems) == 600 and Counter(found.solutions.policy) == {
        f"{size}_{kind}": 600 for size in ("6b", "175b") for kind in ("finetuning", "verification")
    }
    _, differing = imported.judge_corpus(found)
    assert differing.empty, differing.to_string()


def test_corpora_are_training_data_like_any_other(tmp_path):
    folder = copy_project(tmp_path)
    rows = [{**TRL, "prompt": f"problem {i}"} for i in range(9)]
    theirs = corpus(tmp_path, "trl_stepwise", rows).model_dump()
    rewards = {
        "data": [
            {"name": "theirs", "corpora": ["theirs"]},
            {"name": "mixed", "datasets": ["arithmetic"], "corpora": ["theirs"]},
        ],
        "models": [
            {"name": "prm", "base": "s", "data": "theirs"},
            {"name": "mix", "base": "s", "data": "mixed"},
        ],
    }
    search = {"tree": {"reward_models": []}}
    (folder / "mine.json").write_text(
        json.dumps({"study": "mine", "corpora": [theirs], "rewards": rewards, "search": search})
    )
    done = snakemake(
        folder, "--configfile", "mine.json", "--", "results/mine/corpora/theirs/card.json"
    )
    assert done.returncode == 0, done.stderr
    card = json.loads((folder / "results/mine/corpora/theirs/card.json").read_text())
    assert card["solutions"] == 9 and card["right_steps"] == 0.5 and card["skipped"]["rows"] == 0
    assert len(pd.read_parquet(folder / "results/mine/corpora/theirs/labels.parquet")) == 18
    plan = snakemake(
        folder, "-n", "--configfile", "mine.json", "--", "results/mine/rewards/prm/replicate1"
    )
    assert plan.returncode == 0 and "label_solutions" not in plan.stdout, plan.stderr
    plan = snakemake(
        folder, "-n", "--configfile", "mine.json", "--", "results/mine/rewards/mix/replicate1"
    )
    assert "label_solutions" in plan.stdout and "corpora/theirs/labels.parquet" in plan.stdout, (
        plan.stderr
    )
