"""Join the shares that several jobs have made of the same tables."""

from prmscale import tables
from prmscale.jobs import job

with job(snakemake):
    tables.merge(dict(snakemake.input), dict(snakemake.output))
