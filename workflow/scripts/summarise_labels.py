"""The cost and the quality of every table of labels.

Tables whose truth is known are also compared with a fixed number of rollouts, and the labellers of
the same solutions with each other.
"""

import pandas as pd

from prmscale import tables
from prmscale.analysis.disagreement import disagreements
from prmscale.analysis.label_costs import costs, tabulate_problems
from prmscale.analysis.label_quality import summary
from prmscale.files import atomic_write
from prmscale.jobs import job

with job(snakemake):
    params = snakemake.params
    rows = []
    paths = zip(params.datasets, snakemake.input.labels, snakemake.input.spent, strict=True)
    for dataset, labels_path, spent_path in paths:
        labels, spent = tables.read(labels_path, "labels"), tables.read(spent_path, "spending")
        rows.append({"dataset": dataset, **summary(labels, spent, params.level)})
    with atomic_write(snakemake.output.csv) as aside:
        pd.DataFrame(rows).to_csv(aside, index=False)
    judged = tabulate_problems(
        [tables.read(path, "labels") for path in snakemake.input.judged],
        [tables.read(path, "spending") for path in snakemake.input.judged_spent],
    )
    with atomic_write(snakemake.output.costs) as aside:
        costs(judged, params.level).to_csv(aside, index=False)
    labellers = zip(params.labellings, snakemake.input.labellings, strict=True)
    found = disagreements(
        [(each, tables.read(path, "labels")) for each, path in labellers], params.level
    )
    with atomic_write(snakemake.output.disagreement) as aside:
        found.to_csv(aside, index=False)
