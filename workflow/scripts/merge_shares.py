"""Join the shares that several jobs have made of the same tables."""

from prmscale.jobs import job
from prmscale.shards import merge

with job(snakemake):
    merge(dict(snakemake.input), dict(snakemake.output))
