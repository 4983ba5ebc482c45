"""Make labels of a data set from those that labellers have stored: no rollout is drawn."""

from prmscale import tables
from prmscale.jobs import job
from prmscale.labels.readings import read

with job(snakemake):
    found, spent = read(
        snakemake.wildcards.method,
        [tables.read(path, "labels") for path in snakemake.input.labels],
        [tables.read(path, "spending") for path in snakemake.input.spent],
        tables.read(snakemake.input.solutions, "solutions"),
        snakemake.params.settings,
    )
    tables.write(spent, snakemake.output.spent, "spending")
    tables.write(found, snakemake.output.labels, "labels")
