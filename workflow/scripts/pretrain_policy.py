"""Pre-train one size of the ladder; keep its checkpoints as Hugging Face folders."""

from pathlib import Path

import pandas as pd
from transformers import AutoTokenizer

from prmscale import seeds
from prmscale.cards.head import finish_model
from prmscale.engines.backends.loading import load_pretrained
from prmscale.files import atomic_write, write_json
from prmscale.jobs import job
from prmscale.policies.card import card
from prmscale.policies.pretrain import build, encode, pretrain
from prmscale.study import LadderModel, Pretraining

with job(snakemake):
    settings = Pretraining(**snakemake.params.pretraining)
    size = LadderModel(**snakemake.params.model)
    tokenizer = load_pretrained(AutoTokenizer, snakemake.input.tokenizer)
    corpus = pd.read_parquet(snakemake.input.corpus)
    documents = encode(tokenizer, list(zip(corpus.prompt, corpus.solution, strict=True)))
    seed = seeds.seed_of(snakemake.params.seed, "pretraining", snakemake.params.replicate)
    model = build(size, tokenizer, seed).to(snakemake.params.device)
    folders = dict(zip(settings.checkpoints, snakemake.output, strict=True))

    def keep(percent, record):
        with atomic_write(folders[percent]) as aside:
            model.save_pretrained(aside)
            tokenizer.save_pretrained(aside)
            facts = {"name": size.name, "replicate": snakemake.params.replicate, **record}
            write_json(facts, Path(aside) / "pretraining.json")
            finish_model(aside, card(facts, snakemake.params.seed))

    pretrain(model, documents, settings, seed, keep)
