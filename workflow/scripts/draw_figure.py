"""Draw one figure or table of the paper."""

from pathlib import Path

import pandas as pd

from prmscale.jobs import job

with job(snakemake):
    # imported here, because the strategies that are compared include those of the job's plugins
    from prmscale import figures
    from prmscale.analysis.verdicts import Rules
    from prmscale.figures.style import save
    from prmscale.results import Results

    figure, params = snakemake.wildcards.figure, snakemake.params
    results = Results(
        {kind: snakemake.input[kind] for kind in figures.FIGURES[figure]},
        params.analysis["aggregation"],
        params.aggregations,
        params.policy,
        temperatures=pd.DataFrame(params.temperatures, columns=["policy", "temperature"]),
    )
    rules = Rules.from_config(params.claims, params.analysis, results.aggregation, params.seed)
    save(*figures.draw(figure, results, rules), Path(snakemake.output.pdf).with_suffix(""))
