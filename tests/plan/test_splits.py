"""What a study plans that splits the solutions of one data set by several rules."""

from copy import deepcopy

import yaml
from pipeline import ROOT

from prmscale import configuration
from prmscale.plan.granularity import list_splits, name_rules, trained_on
from prmscale.plan.plan import Plan

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())


def plan(soft=(), **sets):
    """A study of arithmetic in lines and in words, with a reward model for each training set, some
    of them with soft targets.
    """
    config = deepcopy(CONFIG)
    of_words = {"name": "words", "solutions_of": "arithmetic", "steps": "words_20"}
    config["datasets"].append(config["datasets"][0] | of_words)
    config["labels"]["compare"] = {}
    config["rewards"]["data"] = [{"name": n, "datasets": d} for n, d in sets.items()]
    config["rewards"]["models"] = [{"name": f"{n}-m", "base": "m", "data": n} for n in sets]
    for model in config["rewards"]["models"]:
        if model["data"] in soft:
            model["training"] = {"target": "soft"}
    test = {"policy": "m", "datasets": ["arithmetic", "words", "programs"], "samples": 16}
    config["search"] |= {"evaluations": [test], "tree": {}}
    return Plan(configuration.load(config))


def test_reward_models_are_compared_on_the_steps_that_they_learnt():
    both = plan(lines=["arithmetic"], words=["words"], mixed=["arithmetic", "words", "programs"])
    assert [tuple(each) for each in list_splits(both)] == [
        ("arithmetic", "arithmetic", "line", "lines-m", "lines-m"),
        ("arithmetic", "words", "words_20", "words-m", "lines-m"),
    ]
    assert trained_on(both, "programs") == ["mixed-m"]
    assert list_splits(plan(lines=["arithmetic"])) == []


def test_reward_models_that_differ_otherwise_are_not_compared():
    sets = {"lines": ["arithmetic"], "words": ["words"], "other": ["arithmetic"]}
    assert len(list_splits(plan(**sets))) == 3
    assert [each.reward_model for each in list_splits(plan(soft=["lines"], **sets))] == [
        "other-m", "words-m",
    ]  # fmt: skip
    assert list_splits(plan(soft=["words"], **sets)) == []
    wider = {"lines": ["arithmetic", "programs"], "words": ["words"]}
    assert list_splits(plan(**wider)) == []


def test_the_labels_of_steps_of_a_rule_have_its_name():
    both = plan(lines=["arithmetic"], words=["words"], mixed=["arithmetic", "words", "programs"])
    assert [name_rules(both, f"{n}-m") for n in ("lines", "words", "mixed")] == [
        "", "words_20", "words_20",
    ]  # fmt: skip


def test_solutions_are_sampled_once_and_labelled_by_each_rule():
    both = plan(lines=["arithmetic"], words=["words"])
    sampled = [(each.dataset, each.purpose) for each in both.all_samples()]
    assert [each for each in sampled if each[0] != "programs"] == [
        ("arithmetic", "labelling"), ("arithmetic", "search"),
    ]  # fmt: skip
    assert [dataset for _, dataset, _ in both.study.all_label_tables()] == ["arithmetic", "words"]
    assert both.prompting("m", "words")["steps"] == {"math": "words_20"}
    assert both.prompting("m", "arithmetic")["steps"] == {"math": "line"}
