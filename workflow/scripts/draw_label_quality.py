"""Draw figure 9, and tabulate what the compared methods of labelling spend and how good they are."""

from pathlib import Path

import pandas as pd

from prmscale import tables
from prmscale.analysis.label_costs import by_problem, costs
from prmscale.figures import fig9
from prmscale.figures.style import save
from prmscale.files import written_whole
from prmscale.jobs import job

with job(snakemake):
    params = snakemake.params
    settings = {"level": params.level, "draws": params.draws, "seed": params.seed}
    labels = [tables.read(path, "labels") for path in snakemake.input.labels]
    save(*fig9.draw(labels, **settings), Path(snakemake.output.pdf).with_suffix(""))
    with written_whole(snakemake.output.costs) as aside:
        costs(by_problem(labels), **settings).to_csv(aside, index=False)
