"""Judge the paper's claims by the tables of this study."""

import pandas as pd

from prmscale.analysis import checks, claims
from prmscale.analysis.collect import pattern_similarities, reward_models, searches
from prmscale.analysis.page import render
from prmscale.analysis.selection import aggregation
from prmscale.analysis.verdicts import Rules
from prmscale.files import written_whole
from prmscale.jobs import job

with job(snakemake):
    analysis = snakemake.params.analysis
    models = reward_models(snakemake.input.rewards)
    rules = Rules(
        **snakemake.params.claims,
        aggregation=aggregation(analysis["aggregation"], models),
        level=analysis["level"],
        draws=analysis["draws"],
        seed=snakemake.params.seed,
        table1_budget=analysis["table1_budget"],
    )
    search = searches(snakemake.input.search)
    # the first evaluation's policy is the one that figures and claims speak of
    search = pd.concat(
        [search[search.policy == snakemake.params.policy], search[search.policy != snakemake.params.policy]]
    )
    found = claims.judge(
        search,
        models,
        rules,
        pd.read_csv(snakemake.input.reported),
        pattern_similarities(snakemake.input.patterns),
        pd.read_csv(snakemake.input.reported_patterns),
    )
    made = checks.all_checks(search, models, rules)
    with written_whole(snakemake.output.markdown) as aside:
        aside.write_text(render(found, made, rules))
    for table, path in ((claims.frame(found), snakemake.output.csv), (checks.frame(made), snakemake.output.checks)):
        with written_whole(path) as aside:
            table.to_csv(aside, index=False)
