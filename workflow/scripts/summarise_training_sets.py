"""One table of what every training set holds, from the facts of its reward models."""

from prmscale.files import atomic_write
from prmscale.jobs import job
from prmscale.results import training_sets

with job(snakemake), atomic_write(snakemake.output.csv) as aside:
    training_sets(snakemake.input.rewards).to_csv(aside, index=False)
