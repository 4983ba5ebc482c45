"""All trainings of one reward model, one after the other; what is done survives a job that is
killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from prmscale import seeds, tables
from prmscale.engines.backends.loading import load_pretrained
from prmscale.engines.backends.transformers_scorer import score_encoded
from prmscale.engines.models import FACTS
from prmscale.files import fingerprint, read_json, write_json
from prmscale.rewards.card import METRICS, card
from prmscale.rewards.examples import Example, examples
from prmscale.rewards.metrics import metrics
from prmscale.rewards.parallel import accelerator
from prmscale.rewards.train import base_parameters, load_base, train
from prmscale.rewards.training_set import at_threshold, described, drawn, in_turn, labelled_by
from prmscale.study import RewardTraining, TrainingSet
from prmscale.tasks.base import from_table
from prmscale.tasks.steps import Encoded, encode_solution


@dataclass(frozen=True)
class Inputs:
    """The tables that a reward model is trained on: problems of each data set and corpus, in this
    order; solutions and labels of each data set by each policy, and of each corpus.
    """

    problems: list[str]
    solutions: list[str]
    labels: list[str]


@dataclass(frozen=True)
class Texts:
    """Examples, and how the model reads each."""

    examples: list[Example]
    encoded: list[Encoded]


def train_replicates(inputs: Inputs, params: Mapping[str, Any], done: Path) -> None:
    """Train each replicate to the folder `done / NUMBER`, unless it is there; one in the making is
    taken up again.

    `params` are those of the rule. Each process of a group calls this; the first one writes.
    """
    settings = RewardTraining(**params["training"])
    own = accelerator(
        params["device"], settings
    )  # before any model is loaded: a group loads its weights but once
    data = TrainingSet(**params["data"])
    chosen, held_out, held = _sources(inputs, data, settings, params["seed"])
    facts = {
        "reward_model": params["model"],
        "base": params["base"],
        "train_on": params["train_on"],
        "labels": labelled_by(data),
        "shuffled": data.shuffled,
        "role": params["role"],
        "seed": params["seed"],
        "head": settings.head,
        "supervise": settings.supervise,
        "target": settings.target,
        "ranking_weight": settings.ranking_weight,
        "untrained": settings.steps == 0,
        "training_set": {"name": data.name, **held},
        "data": fingerprint(*map(Path, inputs.labels)),
        "step_mark": "the step's last token (a line end)",
    }
    # the replicates of a base have one tokenizer
    tokenizer = load_pretrained(
        AutoTokenizer, params["base_folders"][0], revision=params["revision"]
    )
    learnt, judged = (
        Texts(some, [encode_solution(tokenizer, e.problem.prompt, e.steps) for e in some])
        for some in (chosen, held_out)
    )
    for number, base in enumerate(params["base_folders"], start=1):
        if not (done / str(number)).exists():
            _train_one(
                number,
                base,
                tokenizer,
                learnt,
                judged,
                {**facts, "replicate": number},
                params,
                done,
                own,
            )


def _sources(
    inputs: Inputs, data: TrainingSet, settings: RewardTraining, seed: int
) -> tuple[list[Example], list[Example], dict[str, Any]]:
    """What the reward model learns from, what of the validation problems it is measured on, and
    facts of the former.
    """
    problems = {
        p.problem_id: p
        for path in inputs.problems
        for p in from_table(tables.read(path, "problems"))
    }
    solutions, labels = (
        _read(inputs.solutions, "solutions", data),
        _read(inputs.labels, "labels", data),
    )
    labels |= {n: at_threshold(labels[n], data.threshold) for n in data.datasets}
    by_source = {n: examples(problems, solutions[n], labels[n], settings) for n in solutions}
    train_part = {n: [e for e in own if e.problem.split == "train"] for n, own in by_source.items()}
    chosen = drawn(train_part, data, seed)
    held_out = [e for own in by_source.values() for e in own if e.problem.split == "validation"]
    return chosen, held_out, described(chosen, solutions, labels)


def _read(paths: list[str], kind: str, data: TrainingSet) -> dict[str, pd.DataFrame]:
    """One table for each data set, of all its policies, and for each corpus."""
    read, writers = (tables.read(path, kind) for path in paths), max(1, len(data.policies))
    made = {name: in_turn([next(read) for _ in range(writers)]) for name in data.datasets}
    return made | {name: next(read) for name in data.corpora}


def _train_one(
    number: int,
    base: str,
    tokenizer: PreTrainedTokenizerBase,
    learnt: Texts,
    judged: Texts,
    facts: Mapping[str, Any],
    params: Mapping[str, Any],
    done: Path,
    own: Accelerator,
) -> None:
    settings, making = RewardTraining(**params["training"]), done / f"{number}.making"
    seed = seeds.seed_of(params["seed"], params["model"], number)
    model, _ = load_base(base, seed, params["revision"], settings.head)
    origin = Path(base) / "pretraining.json"
    facts = {
        **facts,
        "base_parameters": base_parameters(model),
        "pretraining": read_json(origin) if origin.exists() else None,
    }

    def keep(
        percent: int, step: int, flops: float, weights: Mapping[str, torch.Tensor] | None
    ) -> None:
        measured: dict[str, float] = {}
        if judged.examples:
            measured = metrics(
                judged.examples, score_encoded(model, tokenizer, judged.encoded, 16384)
            )
        folder = making if percent == 100 else making / "checkpoints" / str(percent)
        record = {**facts, "steps": step, "train_flops": flops, "validation": measured}
        if own.is_main_process:
            _write(folder, model, tokenizer, weights, record)
            _add(making / METRICS, {"training_step": step, "flops": flops, **measured})

    state = done / f"{number}.state"
    train(model, tokenizer, learnt.examples, learnt.encoded, settings, seed, keep, own, state)
    if own.is_main_process:
        making.rename(done / str(number))


def _write(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    weights: Mapping[str, torch.Tensor] | None,
    record: Mapping[str, Any],
) -> None:
    """A Hugging Face folder with its card."""
    model.save_pretrained(folder, state_dict=dict(weights) if weights else None)
    tokenizer.save_pretrained(folder)
    write_json(record, folder / FACTS)
    (folder / "README.md").write_text(card(record))


def _add(path: Path, row: Mapping[str, Any]) -> None:
    """Add a checkpoint's metrics; one that was measured before the job was killed is replaced."""
    table = pd.DataFrame([row])
    if path.exists():
        before = pd.read_csv(path, float_precision="round_trip")
        table = pd.concat(
            [before[before.training_step < row["training_step"]], table], ignore_index=True
        )
    table.to_csv(path, index=False)
