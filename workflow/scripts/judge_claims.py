"""Judge the paper's claims by the tables of this study."""

import pandas as pd

from prmscale.analysis import strategies, tradeoff, transfer
from prmscale.analysis.models import resolve_aggregation
from prmscale.analysis.rows import keep_first_policy
from prmscale.analysis.verdicts import Rules
from prmscale.claims import checks, claims
from prmscale.claims.page import render
from prmscale.files import atomic_write
from prmscale.jobs import job
from prmscale.results import pattern_similarities, reward_models, searches, training

with job(snakemake):
    analysis = snakemake.params.analysis
    models = reward_models(snakemake.input.rewards)
    rules = Rules(
        **snakemake.params.claims,
        aggregation=resolve_aggregation(
            analysis["aggregation"], models, snakemake.params.aggregations
        ),
        level=analysis["level"],
        seed=snakemake.params.seed,
        table1_budget=analysis["table1_budget"],
    )
    search = searches(snakemake.input.search, rules.aggregation)
    # the first evaluation's policy is the one that figures and claims speak of
    search = pd.concat(
        [
            search[search.policy == snakemake.params.policy],
            search[search.policy != snakemake.params.policy],
        ]
    )
    found = claims.judge(
        search,
        models,
        rules,
        pd.read_csv(snakemake.input.reported),
        pattern_similarities(snakemake.input.patterns),
        pd.read_csv(snakemake.input.reported_patterns),
    )
    made = checks.all_checks(search, models, rules, training(snakemake.input.rewards))
    matrix = transfer.matrix(search, models, rules)
    replies = pd.read_csv(snakemake.input.replies)
    left = strategies.unspent(keep_first_policy(search), models, rules.aggregation)
    with atomic_write(snakemake.output.markdown) as aside:
        aside.write_text(
            render(found, made, rules, matrix, replies, left, snakemake.params.generated)
        )
    tables = {
        "csv": claims.frame(found),
        "checks": checks.frame(made),
        "transfer": matrix,
        "scaling_law": tradeoff.table(keep_first_policy(search), models, rules),
    }
    for name, table in tables.items():
        with atomic_write(snakemake.output[name]) as aside:
            table.to_csv(aside, index=False)
