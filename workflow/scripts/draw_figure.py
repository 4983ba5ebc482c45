"""Draw one figure or table of the paper."""

from importlib import import_module
from pathlib import Path

import pandas as pd

from prmscale.analysis.collect import reward_models, searches
from prmscale.figures.style import save
from prmscale.jobs import job

with job(snakemake):
    analysis = snakemake.params.analysis
    module = import_module(f"prmscale.figures.{snakemake.wildcards.figure}")
    reported = pd.read_csv(snakemake.input.reported[0]) if snakemake.input.reported else None
    drawn, data = module.draw(
        searches(snakemake.input.search),
        reward_models(snakemake.input.rewards),
        reported,
        level=analysis["level"],
        draws=analysis["draws"],
        seed=snakemake.params.seed,
        aggregation=analysis["aggregation"],
    )
    save(drawn, data, Path(snakemake.output.pdf).with_suffix(""))
