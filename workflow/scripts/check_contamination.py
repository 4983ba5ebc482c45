"""Compare training with test problems: exact matches and shared n-grams."""

from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.analysis.contamination import table
from prmscale.files import atomic_write
from prmscale.jobs import job

with job(snakemake):
    named = {path: Path(path).stem for path in snakemake.input.problems}
    named |= {path: Path(path).parent.name for path in snakemake.input.corpora}
    problems = pd.concat(
        [tables.read(path, "problems").assign(dataset=name) for path, name in named.items()]
    )
    train = problems[problems.split == "train"]
    if snakemake.input.corpus:
        corpus = pd.read_parquet(snakemake.input.corpus, columns=["prompt"]).assign(
            dataset="corpus"
        )
        train = pd.concat([train, corpus])
    found = table(train, problems[problems.split == "test"], snakemake.params.n)
    with atomic_write(snakemake.output.table) as aside:
        found.to_csv(aside, index=False)
