"""Keep of a data set's labelled solutions those whose first error all labellers place alike."""

from prmscale import tables
from prmscale.jobs import job
from prmscale.labels.consensus import consensus
from prmscale.labels.spending import charge_filter

with job(snakemake):
    kept = consensus([tables.read(path, "labels") for path in snakemake.input.labels])
    spent = charge_filter([tables.read(path, "spending") for path in snakemake.input.spent], kept)
    tables.write(spent, snakemake.output.spent, "spending")
    tables.write(kept, snakemake.output.labels, "labels")
