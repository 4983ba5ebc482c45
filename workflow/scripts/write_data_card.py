"""Write the card of the study's tables, with which its folder is a data set of `datasets`."""

from pathlib import Path

from prmscale.cards.data import describe_data
from prmscale.files import atomic_write
from prmscale.jobs import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    card = Path(snakemake.output.card)
    tables = {kind: files[kind] for kind in params.kinds}
    text = describe_data(card.parent, tables, params.study, params.seed, Path(files.config))
    with atomic_write(card) as aside:
        aside.write_text(text, encoding="utf-8")
