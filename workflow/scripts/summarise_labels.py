"""What every table of labels cost and how good it is; and, of those with known truth, each beside
fixed rollouts.
"""

import pandas as pd

from prmscale import tables
from prmscale.analysis.label_costs import by_problem, costs
from prmscale.analysis.label_quality import summary
from prmscale.files import atomic_write
from prmscale.jobs import job

with job(snakemake):
    params = snakemake.params
    rows = [
        {
            "dataset": dataset,
            **summary(
                tables.read(labels, "labels"),
                tables.read(spent, "spending"),
                params.level,
            ),
        }
        for dataset, labels, spent in zip(
            params.datasets, snakemake.input.labels, snakemake.input.spent, strict=True
        )
    ]
    with atomic_write(snakemake.output.csv) as aside:
        pd.DataFrame(rows).to_csv(aside, index=False)
    judged = by_problem(
        [tables.read(path, "labels") for path in snakemake.input.judged],
        [tables.read(path, "spending") for path in snakemake.input.judged_spent],
    )
    with atomic_write(snakemake.output.costs) as aside:
        costs(judged, params.level).to_csv(aside, index=False)
