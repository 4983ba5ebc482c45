"""Draw figure 9, which shows labels alone."""

from pathlib import Path

from prmscale import tables
from prmscale.figures import fig9
from prmscale.figures.style import save
from prmscale.jobs import job

with job(snakemake):
    labels = [tables.read(path, "labels") for path in snakemake.input.labels]
    spent = [tables.read(path, "spending") for path in snakemake.input.spent]
    drawn = fig9.draw(labels, spent, level=snakemake.params.level)
    save(*drawn, Path(snakemake.output.pdf).with_suffix(""))
