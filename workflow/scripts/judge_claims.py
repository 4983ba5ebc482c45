"""Judge the paper's claims by the tables of this study."""

import pandas as pd

from prmscale.analysis.claims import frame, judge, render, sanity
from prmscale.analysis.collect import reward_models, searches
from prmscale.analysis.verdicts import Rules
from prmscale.files import written_whole
from prmscale.jobs import job

with job(snakemake):
    analysis = snakemake.params.analysis
    rules = Rules(
        **snakemake.params.claims,
        aggregation=analysis["aggregation"],
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
    models = reward_models(snakemake.input.rewards)
    found = judge(search, models, rules, pd.read_csv(snakemake.input.reported))
    with written_whole(snakemake.output.markdown) as aside:
        aside.write_text(render(found, sanity(search, models, rules), rules))
    with written_whole(snakemake.output.csv) as aside:
        frame(found).to_csv(aside, index=False)
