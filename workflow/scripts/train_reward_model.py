"""Train one reward model; keep it and its checkpoints as Hugging Face folders with a card."""

from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.engines import seeds
from prmscale.engines.transformers_scorer import score_encoded
from prmscale.files import read_json, write_json, written_whole
from prmscale.jobs import fingerprint, job
from prmscale.rewards.card import card
from prmscale.rewards.examples import balanced, examples
from prmscale.rewards.metrics import metrics
from prmscale.rewards.train import load_base, train
from prmscale.study import RewardTraining
from prmscale.tasks import steps
from prmscale.tasks.base import from_table

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
    held_out = [e for group in split[1] for e in group]
    model, tokenizer = load_base(params.base_folder, seeds.seed_of(params.seed, params.model), params.revision)
    model = model.to(params.device)
    encoded = [steps.encode(tokenizer, e.problem.prompt, e.steps) for e in held_out]
    base = Path(params.base_folder) / "pretraining.json"
    facts = {
        "reward_model": params.model,
        "base": params.base,
        "base_parameters": sum(p.numel() for p in model.parameters()),
        "pretraining": read_json(base) if base.exists() else None,
        "train_on": params.train_on,
        "labels": params.data["labels"],
        "role": params.role,
        "seed": params.seed,
        "solutions": len(chosen),
        "data": fingerprint(*map(Path, snakemake.input.labels)),
        "step_mark": "the step's last token (a line end)",
    }
    history = []

    with written_whole(snakemake.output.folder) as whole:

        def keep(percent, step, flops):
            folder = whole if percent == 100 else whole / "checkpoints" / str(percent)
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            measured = {}
            if held_out:
                measured = metrics(held_out, score_encoded(model, tokenizer, encoded, 16384))
            history.append({"training_step": step, "flops": flops, **measured})
            record = {**facts, "steps": step, "train_flops": flops, "validation": measured}
            write_json(record, folder / "reward_model.json")
            (folder / "README.md").write_text(card(record))

        train(model, tokenizer, chosen, settings, seeds.seed_of(params.seed, params.model), keep)
        pd.DataFrame(history).to_csv(whole / "metrics.csv", index=False)
