"""The steps of the same solutions by each rule that splits them, and who is trained on which."""

from prmscale import tables
from prmscale.analysis.granularity import count_steps
from prmscale.files import atomic_write
from prmscale.jobs import job

with job(snakemake):
    paths = zip(snakemake.params.datasets, snakemake.input.solutions, strict=True)
    solutions = {name: tables.read(path, "solutions", ["steps"]) for name, path in paths}
    with atomic_write(snakemake.output.csv) as aside:
        count_steps(snakemake.params.splits, solutions).to_csv(aside, index=False)
