"""Train every replicate of one reward model; keep each and its checkpoints as Hugging Face folders with a card."""

from pathlib import Path

import pandas as pd
from transformers import AutoTokenizer

from prmscale import tables
from prmscale.engines import seeds
from prmscale.engines.loading import load_pretrained
from prmscale.engines.transformers_scorer import score_encoded
from prmscale.files import read_json, write_json, written_whole
from prmscale.jobs import fingerprint, job
from prmscale.rewards.card import card
from prmscale.rewards.examples import balanced, examples, shuffled
from prmscale.rewards.metrics import metrics
from prmscale.rewards.train import base_parameters, load_base, train
from prmscale.study import RewardTraining
from prmscale.tasks.base import from_table
from prmscale.tasks.steps import encode_solution

with job(snakemake):
    params = snakemake.params
    settings = RewardTraining(**params.training)
    problems = {p.problem_id: p for path in snakemake.input.problems for p in from_table(tables.read(path, "problems"))}
    by_dataset = [
        examples(problems, tables.read(solutions, "solutions"), tables.read(labels, "labels"), settings)
        for solutions, labels in zip(snakemake.input.solutions, snakemake.input.labels, strict=True)
    ]
    split = [
        [[e for e in group if e.problem.split == name] for group in by_dataset] for name in ("train", "validation")
    ]
    chosen = balanced(split[0], params.data["solutions"], params.seed)
    if params.data["shuffled"]:
        chosen = shuffled(chosen, params.seed)
    held_out = [e for group in split[1] for e in group]
    shared = {
        "reward_model": params.model,
        "base": params.base,
        "train_on": params.train_on,
        "labels": "+".join([params.data["labels"]] * bool(params.data["datasets"]) + params.data["corpora"]),
        "shuffled": params.data["shuffled"],
        "role": params.role,
        "seed": params.seed,
        "head": settings.head,
        "supervise": settings.supervise,
        "target": settings.target,
        "ranking_weight": settings.ranking_weight,
        "untrained": settings.steps == 0,
        "solutions": len(chosen),
        "data": fingerprint(*map(Path, snakemake.input.labels)),
        "step_mark": "the step's last token (a line end)",
    }
    # the replicates of a base have one tokenizer
    tokenizer = load_pretrained(AutoTokenizer, params.base_folders[0], revision=params.revision)
    encoded, encoded_held_out = (
        [encode_solution(tokenizer, e.problem.prompt, e.steps) for e in some] for some in (chosen, held_out)
    )

    def train_one(replicate, base_folder, whole):
        seed = seeds.seed_of(params.seed, params.model, replicate)
        model, _ = load_base(base_folder, seed, params.revision, settings.head)
        model = model.to(params.device)
        origin = Path(base_folder) / "pretraining.json"
        facts = {
            **shared,
            "replicate": replicate,
            "base_parameters": base_parameters(model),
            "pretraining": read_json(origin) if origin.exists() else None,
        }
        history = []

        def keep(percent, step, flops):
            folder = whole if percent == 100 else whole / "checkpoints" / str(percent)
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            measured = {}
            if held_out:
                measured = metrics(held_out, score_encoded(model, tokenizer, encoded_held_out, 16384))
            history.append({"training_step": step, "flops": flops, **measured})
            record = {**facts, "steps": step, "train_flops": flops, "validation": measured}
            write_json(record, folder / "reward_model.json")
            (folder / "README.md").write_text(card(record))

        train(model, tokenizer, chosen, encoded, settings, seed, keep)
        pd.DataFrame(history).to_csv(whole / "metrics.csv", index=False)

    for number, (folder, output) in enumerate(zip(params.base_folders, snakemake.output, strict=True), start=1):
        with written_whole(output) as aside:
            train_one(number, folder, aside)
