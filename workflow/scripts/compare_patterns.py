"""Compare the activation patterns of math and code responses, selected by PRM-Math and PRM-Code and
not selected.
"""

import pandas as pd

from prmscale import tables
from prmscale.analysis.patterns import compare, picks
from prmscale.engines.backends.sensitivity import Sensitivity
from prmscale.files import atomic_write
from prmscale.jobs import job
from prmscale.results import Results
from prmscale.tasks.base import from_table

with job(snakemake):
    params, analysis = snakemake.params, snakemake.params.analysis
    settings, files = analysis["patterns"], snakemake.input
    results = Results(
        {"rewards": files.rewards, "scores": files.scores},
        analysis["aggregation"],
        params.aggregations,
    )
    solutions = tables.read_all(files.solutions, "solutions")
    problems = tables.read_all(files.problems, "problems")
    by_id = {p.problem_id: p for p in from_table(problems[problems.split == "test"])}
    scores = results.scores
    domains = scores.problem_id.map(lambda name: by_id[name].domain)
    chosen = {}
    for domain in ("math", "code"):
        of_domain = scores[(scores.role == domain) & (domains == domain)]
        chosen[domain] = picks(
            solutions, of_domain, results.aggregation, settings["problems"], params.seed
        )

    keys = pd.concat(chosen.values())[["problem_id", "solution_id"]].drop_duplicates()
    selected = keys.merge(solutions)
    responses = [
        (by_id[row.problem_id], tuple(row.steps), row.finish_reason == "stop")
        for row in selected.itertuples()
    ]
    reference = Sensitivity(
        params.folder, params.device, settings["sketch"], params.seed, params.revision
    )
    patterns = reference.patterns(responses, f"patterns of {params.reference}")
    keys = zip(selected.problem_id, selected.solution_id, strict=True)
    rows = {key: row for row, key in enumerate(keys)}
    table = compare(
        chosen, rows, patterns, analysis["level"], analysis["permutations"], params.seed
    )
    with atomic_write(snakemake.output.csv) as aside:
        table.assign(policy=params.policy, reference=params.reference).to_csv(aside, index=False)
