"""What every training set holds, as its reward models' cards tell it, as one table."""

from prmscale.files import written_whole
from prmscale.jobs import job
from prmscale.results import training_sets

with job(snakemake), written_whole(snakemake.output.csv) as aside:
    training_sets(snakemake.input.rewards).to_csv(aside, index=False)
