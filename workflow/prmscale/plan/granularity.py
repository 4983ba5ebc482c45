"""Reward models that differ in the rule alone by which the same solutions are split into steps."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import NamedTuple

from prmscale.plan.plan import Plan, as_data


class Split(NamedTuple):
    """A reward model and the data set of the first evaluation on whose steps it is trained; the
    data set whose solutions these are, and the rule that splits them. Reward models that are `like`
    the same one differ in the rule alone.
    """

    original: str
    dataset: str
    rule: str
    reward_model: str
    like: str


def list_splits(plan: Plan) -> list[Split]:
    """Every reward model that another one, trained on the same solutions in other steps, is
    compared with.
    """
    found: list[Split] = []
    first: dict[tuple[str, str], str] = {}
    for evaluation in plan.study.search.evaluations[:1]:
        for dataset in evaluation.datasets:
            original = plan.study.original(dataset).name
            rule = plan.step_rule(evaluation.policy, dataset)
            for name in trained_on(plan, dataset):
                like = first.setdefault((original, _describe_recipe(plan, name)), name)
                found.append(Split(original, dataset, rule, name, like))
    rules: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in found:
        rules[each.original, each.like].add(each.rule)
    return [each for each in found if len(rules[each.original, each.like]) > 1]


def trained_on(plan: Plan, dataset: str) -> list[str]:
    """The reward models trained on this split of the solutions, and on no other of the same."""
    study = plan.study
    original = study.original(dataset).name
    found = []
    for model in study.rewards.models:
        learnt = study.training_set(model.data).datasets
        if [name for name in learnt if study.original(name).name == original] == [dataset]:
            found.append(model.name)
    return found


def name_rules(plan: Plan, reward_model: str) -> str:
    """The rules of a training set's data sets that split the solutions of others, which belong to
    the name of its labels; empty for an ordinary training set.
    """
    study = plan.study
    data = study.training_set(study.reward_model(reward_model).data)
    again = [name for name in data.datasets if study.dataset(name).solutions_of]
    rules = {plan.step_rule(writer, name) for name in again for writer in study.writers(data)}
    return "+".join(sorted(rules))


def _describe_recipe(plan: Plan, reward_model: str) -> str:
    """All that makes a reward model but the steps of the solutions that it learns from."""
    study = plan.study
    model, training = study.reward_model(reward_model), study.reward_training(reward_model)
    data = study.training_set(model.data)
    originals = [study.original(name).name for name in data.datasets]
    recipe = [model.base, as_data(training), as_data(data) | {"name": "", "datasets": originals}]
    return json.dumps(recipe, sort_keys=True)
