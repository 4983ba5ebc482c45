"""Cards of models and data: the hub reads their heads, and `datasets` the folder of a study."""

import json

import pandas as pd
import pytest
from datasets import get_dataset_config_names, load_dataset
from heads import read_data_card, read_model_card

from prmscale.cards.data import describe_data
from prmscale.cards.head import Base, Origin, choose_licence, find_base, finish_model
from prmscale.policies.card import card as policy_card
from prmscale.policies.card import card_of_converted
from prmscale.rewards.card import card, card_of_released
from prmscale.study import ReleasedPolicy
from prmscale.tables import SAMPLED, SCHEMAS

FACTS = {
    "reward_model": "x", "base": "m", "base_parameters": 1234, "steps": 5, "train_flops": 1e9,
    "train_on": "math", "labels": "oracle",
    "training_set": {
        "name": "all", "solutions": 10, "problems": 4, "policies": ["m", "s: a 'b'\n---<script>"],
        "right_by_source": {"arithmetic": 0.625, "odd: \"name\" #": 0.5},
    },
    "data": "abc", "seed": 1, "step_mark": "the last token",
    "validation": {"loss": 0.5, "within_auc": 0.75, "step_auc": float("nan"), "problems": 3},
    "head": "scalar", "supervise": "outcome", "ranking_weight": 0.5, "shuffled": False,
    "untrained": False, "replicate": 2,
}  # fmt: skip
GENERATED = Origin.collect([("arithmetic", "MIT (generated)")])
PUBLISHED = Origin.collect([("gsm8k", "MIT"), ("gsm8k", "MIT"), ("math", "MIT")])
OWN = Origin.collect([("gsm8k", "that of the file"), ("math", "MIT")])
MATH = "HuggingFaceH4/MATH-500"
LADDER, ON_HUB = Base(None, "mit"), Base("Qwen/Qwen2.5-7B", "apache-2.0")


def test_the_card_of_a_reward_model_holds_the_facts():
    text = card(json.loads(json.dumps(FACTS)), GENERATED, LADDER)
    assert "on 10 solutions of\n4 problems by m, s" in text and "62% of the steps of ari" in text
    assert "1,234 parameters" in text and "within_auc 0.75" in text and "replicate 2" in text
    assert "An outcome reward model" in text and "weight 0.5" in text
    assert "trust_remote_code" not in text and "control" not in text and "<script" not in text
    for head in ("evidence", "implicit"):
        text = card({**FACTS, "head": head, "shuffled": True}, GENERATED, LADDER)
        assert head in text and "control" in text and "custom_code" in text
        assert "trust_remote_code=True" in text and "token_type_ids" in text


@pytest.mark.parametrize(
    ("origin", "base", "expected"),
    [
        (GENERATED, LADDER, {"license": "mit", "language": "en", "base_model": None}),
        (
            PUBLISHED,
            Base("a/b", "mit"),
            {
                "license": "mit",
                "datasets": ["openai/gsm8k", MATH],
                "base_model": "a/b",
                "base_model_relation": "finetune",
            },
        ),
        (PUBLISHED, ON_HUB, {"license": "other", "language": "en"}),
        (OWN, LADDER, {"license": "other", "language": None, "datasets": [MATH]}),
        (GENERATED, Base(None, None), {"license": "other"}),
    ],
)  # fmt: skip
def test_a_reward_model_inherits_what_its_data_and_base_say(origin, base, expected, tmp_path):
    finish_model(tmp_path, card(FACTS, origin, base))
    head = read_model_card(tmp_path / "README.md")
    assert {key: head.get(key) for key in expected} == expected
    results = head["model-index"][0]["results"][0]
    assert results["dataset"]["name"] == 'arithmetic, odd: "name" #'
    assert [(m["name"], m["value"]) for m in results["metrics"]] == [
        ("loss", 0.5),
        ("within_auc", 0.75),
    ]


RECORD = {"name": "m", "replicate": 1, "parameters": 9, "tokens": 8, "flops": 1e9, "percent": 50}
GGUF = ReleasedPolicy(name="q", model="a/b", gguf_file="q.gguf")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (policy_card({**RECORD, "loss": 0.0}, 1), {"license": "mit", "metrics": ["perplexity"]}),
        (
            card_of_converted(GGUF, ON_HUB),
            {"base_model_relation": "quantized", "license": "apache-2.0"},
        ),
        (
            card_of_released({"reward_model": "p", "released": {"model": "Qwen/P"}}, ON_HUB),
            {"base_model": ON_HUB.hub, "library_name": None},
        ),
    ],
)
def test_the_cards_of_other_models_are_complete(text, expected, tmp_path):
    finish_model(tmp_path, text)
    head = read_model_card(tmp_path / "README.md")
    assert {key: head.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("written", "licence"),
    [
        ("---\nlicense: apache-2.0\n---\n", "apache-2.0"),
        ("---\nlicense: [mit, other]\n---\n", None),
        ("---\nlicense: {a: [\n---\n", None),
        ("no head", None),
        (None, None),
    ],
)
def test_the_licence_of_a_base_is_that_of_its_card(written, licence, tmp_path):
    if written is not None:
        (tmp_path / "README.md").write_text(written)
    assert find_base(tmp_path) == Base(None, licence)


@pytest.mark.parametrize(
    ("name", "hub"), [("a/b", "a/b"), ("/no/such/folder", None), ("package:llm", None)]
)
def test_a_base_that_cannot_be_read_has_no_known_licence(name, hub, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert find_base(name) == Base(hub, None)


def test_a_licence_that_the_configuration_names_is_kept():
    assert choose_licence(["cc-by-sa-4.0"]) == {"license": "cc-by-sa-4.0"}
    assert choose_licence(["MIT", "CC (which?)"])["license"] == "other"


BLANK = {"text": "é: '#'\n---", "integer": 1, "number": 0.5, "boolean": True, "list": ["a"]}


def write_table(path, columns):
    """A table of one row with these columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    row = {name: BLANK[column.type] for name, column in columns.items()}
    pd.DataFrame([row]).to_parquet(path, index=False)
    return str(path)


def write_tables(folder):
    """A table of every kind; of solutions also one that lacks columns, and an empty one."""
    files = {}
    for kind, columns in SCHEMAS.items():
        every = {**columns, **(SAMPLED if kind == "solutions" else {})}
        files[kind] = [write_table(folder / kind / "m@50/a-b.search.parquet", every)]
    empty = folder / "solutions/empty.parquet"
    pd.DataFrame(columns=[*SCHEMAS["solutions"]], dtype=object).to_parquet(empty, index=False)
    corpus = write_table(folder / "corpora/c/solutions.parquet", SCHEMAS["solutions"])
    files["solutions"] += [str(empty), corpus]
    return files


def test_the_folder_of_a_study_is_a_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "results"
    files = write_tables(folder)
    (folder / "config.yaml").write_text("study: x")
    (folder / "tables").mkdir()
    (folder / "tables/claims.csv").write_text("a\n1\n")  # no part of the data set
    text = describe_data(folder, {**files, "nothing": []}, "x", 1, folder / "config.yaml")
    finish_model(folder, text)
    assert read_data_card(folder / "README.md")["license"] == ["other"]
    assert set(get_dataset_config_names(str(folder))) == set(SCHEMAS)
    for kind in SCHEMAS:
        read = load_dataset(str(folder), kind)
        assert read["m_50.a_b.search"].to_pandas().to_dict("records") == pd.read_parquet(
            files[kind][0]
        ).to_dict("records")
        assert f"| `{next(iter(SCHEMAS[kind]))}` | " in text
    solutions = load_dataset(str(folder), "solutions")
    assert solutions["c.solutions"]["thought"][:] == [None]
    assert "empty" not in solutions
