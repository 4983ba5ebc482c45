"""Draw one figure or table of the paper."""

from importlib import import_module
from pathlib import Path

import pandas as pd

from prmscale.analysis.collect import reward_models, searches, training
from prmscale.analysis.selection import aggregation
from prmscale.figures.style import save
from prmscale.jobs import job

with job(snakemake):
    analysis = snakemake.params.analysis
    module = import_module(f"prmscale.figures.{snakemake.wildcards.figure}")
    search = searches(snakemake.input.search)
    # figures of one policy show the first evaluation's; table 1 shows all
    own = search if snakemake.wildcards.figure == "table1" else search[search.policy == snakemake.params.policy]
    reported = pd.read_csv(snakemake.input.reported[0]) if snakemake.input.reported else None
    models = reward_models(snakemake.input.rewards)
    more = {
        "table1": {"budget": analysis["table1_budget"]},
        "fig2": {"training": training(snakemake.input.rewards)},
    }
    drawn, data = module.draw(
        own,
        models,
        reported,
        level=analysis["level"],
        draws=analysis["draws"],
        seed=snakemake.params.seed,
        aggregation=aggregation(analysis["aggregation"], models),
        **more.get(snakemake.wildcards.figure, {}),
    )
    save(drawn, data, Path(snakemake.output.pdf).with_suffix(""))
