"""What every table of labels cost and how good it is, as one table."""

import pandas as pd

from prmscale import tables
from prmscale.analysis.label_quality import summary
from prmscale.files import written_whole
from prmscale.jobs import job

with job(snakemake):
    params = snakemake.params
    rows = [
        {
            "dataset": dataset,
            **summary(
                tables.read(labels, "labels"),
                len(tables.read(solutions, "solutions")),
                params.level,
                params.draws,
                params.seed,
            ),
        }
        for dataset, labels, solutions in zip(
            params.datasets, snakemake.input.labels, snakemake.input.solutions, strict=True
        )
    ]
    with written_whole(snakemake.output.csv) as aside:
        pd.DataFrame(rows).to_csv(aside, index=False)
