"""Draw one figure or table of the paper."""

from importlib import import_module
from pathlib import Path

import pandas as pd

from prmscale.analysis.models import resolve_aggregation
from prmscale.figures.style import save
from prmscale.jobs import job
from prmscale.results import (
    first_errors,
    pattern_similarities,
    reward_models,
    searches,
    step_scores,
    training,
)

with job(snakemake):
    analysis = snakemake.params.analysis
    module = import_module(f"prmscale.figures.{snakemake.wildcards.figure}")
    models = reward_models(snakemake.input.rewards)
    by = resolve_aggregation(analysis["aggregation"], models, snakemake.params.aggregations)
    if read := {"fig6": step_scores, "table2": pattern_similarities}.get(
        snakemake.wildcards.figure
    ):
        table = read(snakemake.input.tables)
    else:
        table = searches(snakemake.input.tables, by)
        if snakemake.wildcards.figure != "table1":
            # figures of one policy show the first evaluation's; table 1 shows all
            table = table[table.policy == snakemake.params.policy]
    reported = pd.read_csv(snakemake.input.reported[0]) if snakemake.input.reported else None
    # what one figure alone is made of
    more = {
        "table1": lambda: {"budget": analysis["table1_budget"]},
        "fig7": lambda: {"seed": snakemake.params.seed},
        "fig2": lambda: {"training": training(snakemake.input.rewards)},
        "fig10": lambda: {"first_errors": first_errors(snakemake.input.first_errors)},
    }.get(snakemake.wildcards.figure, dict)
    drawn, data = module.draw(
        table,
        models,
        reported,
        level=analysis["level"],
        aggregation=by,
        **more(),
    )
    save(drawn, data, Path(snakemake.output.pdf).with_suffix(""))
