"""Split the solutions of another data set into this one's steps."""

import shutil

from prmscale import tables
from prmscale.files import atomic_write
from prmscale.jobs import job
from prmscale.policies.resplit import resplit

with job(snakemake):
    solutions = tables.read(snakemake.input.solutions, "solutions")
    found = resplit(solutions, snakemake.wildcards.dataset, snakemake.params.rule)
    with atomic_write(snakemake.output.speed) as aside:
        shutil.copy(snakemake.input.speed, aside)
    tables.write(found, snakemake.output.solutions, "solutions")
