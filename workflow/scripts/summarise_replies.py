"""The rules that found the answers in each policy's solutions, and the share of cut solutions."""

from pathlib import Path

from prmscale import tables
from prmscale.analysis.reply_shares import shares
from prmscale.files import atomic_write
from prmscale.jobs import job

with job(snakemake):
    found = {}
    for path in map(Path, snakemake.input.solutions):
        dataset, _, purpose = path.stem.rpartition(".")
        found[path.parent.name, dataset, purpose] = tables.read(path, "solutions", ["found_by"])
    with atomic_write(snakemake.output.csv) as aside:
        shares(found).to_csv(aside, index=False)
