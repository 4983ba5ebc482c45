"""Draw one figure or table of the paper."""

from pathlib import Path

import pandas as pd

from prmscale.jobs import job

with job(snakemake):
    # imported here, because the strategies that are compared include those of the job's plugins
    from prmscale import figures
    from prmscale.analysis.verdicts import Rules
    from prmscale.figures import style
    from prmscale.results import Results
    from prmscale.study import Style

    figure, params = snakemake.wildcards.figure, snakemake.params
    results = Results(
        {kind: snakemake.input[kind] for kind in figures.FIGURES[figure]},
        params.analysis["aggregation"],
        params.aggregations,
        params.policy,
        temperatures=pd.DataFrame(params.temperatures, columns=["policy", "temperature"]),
    )
    rules = Rules.from_config(params.claims, params.analysis, results.aggregation, params.seed)
    stem = Path(snakemake.output.pdf).with_suffix("")
    with style.use(Style.model_validate(params.style)):
        style.save(*figures.draw(figure, results, rules), stem)
