"""Judge the paper's claims by the tables of this study."""

from prmscale.files import atomic_write
from prmscale.jobs import job

with job(snakemake):
    # imported here, because the strategies that are compared include those of the job's plugins
    from prmscale.analysis.verdicts import Rules
    from prmscale.claims.findings import judge_study
    from prmscale.claims.page import render
    from prmscale.results import Results

    files, params = snakemake.input, snakemake.params
    results = Results(
        {
            "search": files.search,
            "rewards": files.rewards,
            "patterns": files.patterns,
            "replies": [files.replies],
            "reliability": files.reliability,
            "reported": [files.reported, files.reported_patterns],
        },
        aggregation=params.analysis["aggregation"],
        aggregations=params.aggregations,
        policy=params.policy,
    )
    rules = Rules.from_config(params.claims, params.analysis, results.aggregation, params.seed)
    findings = judge_study(results, rules)
    with atomic_write(snakemake.output.markdown) as aside:
        aside.write_text(render(findings, rules, results.replies, params.generated))
    for name, table in findings.tables().items():
        with atomic_write(snakemake.output["csv" if name == "claims" else name]) as aside:
            table.to_csv(aside, index=False)
