"""All replicates of one reward model, trained one after the other.

A killed job loses no finished replicate, and resumes a partial one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from prmscale import plugins, seeds, tables
from prmscale.cards.head import Origin, find_base, finish_model
from prmscale.engines.backends.loading import load_pretrained
from prmscale.engines.backends.transformers_scorer import score_encoded
from prmscale.engines.facts import FACTS, METRICS
from prmscale.files import fingerprint, read_json, write_json
from prmscale.rewards.card import card
from prmscale.rewards.examples import Example, Texts, examples
from prmscale.rewards.facts import Facts
from prmscale.rewards.metrics import metrics
from prmscale.rewards.parallel import build_accelerator
from prmscale.rewards.train import Place, base_parameters, load_base, train
from prmscale.rewards.training_set import apply_threshold, describe, draw, interleave, name_labels
from prmscale.study import RewardTraining, TrainingSet
from prmscale.tasks.base import from_table


@dataclass(frozen=True)
class Inputs:
    """The files of the tables that a reward model is trained on.

    There is a file of problems for each data set, then each corpus; a file of solutions and one of
    labels for each data set and policy, then each corpus.
    """

    problems: list[str]
    solutions: list[str]
    labels: list[str]


def train_replicates(inputs: Inputs, params: Mapping[str, Any], done: Path) -> None:
    """Train each replicate to the folder `done / NUMBER`; skip finished ones, resume a partial one.

    `params` are the rule's. Each process of a group calls this function; the first one writes.
    """
    plugins.load_unchanged(params.get("plugins", {}))  # in each process: labels may be theirs
    settings = RewardTraining(**params["training"])
    # before any model is loaded, so that only one process of a group reads the weights
    group = build_accelerator(params["device"], settings)
    data = TrainingSet(**params["data"])
    chosen, held_out, training_set = _read_examples(inputs, data, settings, params["seed"])
    # all replicates of a base have the same tokenizer
    tokenizer = load_pretrained(
        AutoTokenizer, params["base_folders"][0], revision=params["revision"]
    )
    training = _Training(
        params=params,
        settings=settings,
        learned=Texts.encode(tokenizer, chosen),
        judged=Texts.encode(tokenizer, held_out),
        facts=_common_facts(params, settings, data, training_set, inputs),
        origin=Origin.collect((e.problem.source, e.problem.licence) for e in chosen),
        done=done,
        group=group,
    )
    for number, base in enumerate(params["base_folders"], start=1):
        if not (done / str(number)).exists():
            training.train_one(number, base)


def _common_facts(
    params: Mapping[str, Any],
    settings: RewardTraining,
    data: TrainingSet,
    training_set: Mapping[str, Any],
    inputs: Inputs,
) -> Facts:
    """What is the same for all replicates."""
    return Facts(
        reward_model=params["model"],
        base=params["base"],
        train_on=params["train_on"],
        labels=name_labels(data, params["steps"]),
        shuffled=data.shuffled,
        role=params["role"],
        seed=params["seed"],
        head=settings.head,
        supervise=settings.supervise,
        target=settings.target,
        ranking_weight=settings.ranking_weight,
        untrained=settings.steps == 0,
        training_set={"name": data.name, **training_set},
        data=fingerprint(*map(Path, inputs.labels)),
        step_mark="the step's last token (a line end)",
    )


def _read_examples(
    inputs: Inputs, data: TrainingSet, settings: RewardTraining, seed: int
) -> tuple[list[Example], list[Example], dict[str, Any]]:
    """The training examples, the examples of validation problems, and what the former hold."""
    problems = {
        p.problem_id: p
        for path in inputs.problems
        for p in from_table(tables.read(path, "problems"))
    }
    solutions = _read(inputs.solutions, "solutions", data)
    labels = _read(inputs.labels, "labels", data)
    for name in data.datasets:
        labels[name] = apply_threshold(labels[name], data.threshold)
    to_learn: dict[str, list[Example]] = {}
    held_out: list[Example] = []
    for name, written in solutions.items():
        found = examples(problems, written, labels[name], settings)
        to_learn[name] = [e for e in found if e.problem.split == "train"]
        held_out += [e for e in found if e.problem.split == "validation"]
    chosen = draw(to_learn, data, seed)
    return chosen, held_out, describe(chosen, solutions, labels)


def _read(paths: list[str], kind: str, data: TrainingSet) -> dict[str, pd.DataFrame]:
    """One table for each data set, of all its policies, then one for each corpus."""
    read = iter(tables.read(path, kind) for path in paths)
    policies = max(1, len(data.policies))
    found = {name: interleave(list(islice(read, policies))) for name in data.datasets}
    return found | {name: next(read) for name in data.corpora}


@dataclass(frozen=True)
class _Training:
    """What the replicates of a reward model share."""

    params: Mapping[str, Any]
    settings: RewardTraining
    learned: Texts
    judged: Texts
    facts: Facts
    origin: Origin
    done: Path
    group: Accelerator

    def train_one(self, number: int, base: str) -> None:
        """Train a replicate aside, and move it to its folder when it is complete."""
        aside = self.done / f"{number}.making"
        # without the model's name: models that are compared have the same order of batches, and on
        # one base the same first head, so that what the seed does cancels in their difference
        seed = seeds.seed_of(self.params["seed"], "reward model", number)
        model, _ = load_base(base, seed, self.params["revision"], self.settings.head)
        pretraining = Path(base) / "pretraining.json"
        facts = replace(
            self.facts,
            replicate=number,
            base_parameters=base_parameters(model),
            pretraining=read_json(pretraining) if pretraining.exists() else None,
        )

        found = find_base(base, self.params["revision"])

        def keep(
            percent: int, step: int, flops: float, weights: Mapping[str, torch.Tensor] | None
        ) -> None:
            measured = self._measure(model)
            if not self.group.is_main_process:
                return
            folder = aside if percent == 100 else aside / "checkpoints" / str(percent)
            record = replace(facts, steps=step, train_flops=flops, validation=measured)
            _write(folder, model, self.learned.tokenizer, weights, record)
            finish_model(folder, card(record.to_json(), self.origin, found))
            _add(aside / METRICS, {"training_step": step, "flops": flops, **measured})

        place = Place(self.group, self.done / f"{number}.state")
        train(model, self.learned, self.settings, seed, keep, place)
        if self.group.is_main_process:
            aside.rename(self.done / str(number))

    def _measure(self, model: PreTrainedModel) -> dict[str, float]:
        """Metrics on the validation problems; none without such problems."""
        if not self.judged.examples:
            return {}
        scores = score_encoded(model, self.judged.tokenizer, self.judged.encoded, 16384)
        return metrics(self.judged.examples, scores)


def _write(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    weights: Mapping[str, torch.Tensor] | None,
    record: Facts,
) -> None:
    """Write a Hugging Face folder with its facts."""
    model.save_pretrained(folder, state_dict=dict(weights) if weights else None)
    tokenizer.save_pretrained(folder)
    write_json(record.to_json(), folder / FACTS)


def _add(path: Path, row: Mapping[str, Any]) -> None:
    """Add a checkpoint's metrics; replaces those that a killed job measured before it."""
    table = pd.DataFrame([row])
    if path.exists():
        before = pd.read_csv(path, float_precision="round_trip")
        table = pd.concat(
            [before[before.training_step < row["training_step"]], table], ignore_index=True
        )
    table.to_csv(path, index=False)
