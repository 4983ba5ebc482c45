"""Compare the activation patterns of math and code responses, selected by PRM-Math and PRM-Code and
not selected.
"""

import pandas as pd

from prmscale import tables
from prmscale.analysis.patterns import compare, picks
from prmscale.analysis.selection import aggregation
from prmscale.engines.backends.sensitivity import Sensitivity
from prmscale.files import atomic_write
from prmscale.jobs import job
from prmscale.results import reward_models, step_scores
from prmscale.tasks.base import from_table

with job(snakemake):
    params, analysis = snakemake.params, snakemake.params.analysis
    settings = analysis["patterns"]
    how = aggregation(
        analysis["aggregation"], reward_models(snakemake.input.rewards), params.aggregations
    )
    solutions = pd.concat([tables.read(path, "solutions") for path in snakemake.input.solutions])
    problems = pd.concat([tables.read(path, "problems") for path in snakemake.input.problems])
    by_id = {p.problem_id: p for p in from_table(problems[problems.split == "test"])}
    scores = step_scores(snakemake.input.scores)
    chosen = {}
    for domain in ("math", "code"):
        own = scores[
            (scores.role == domain)
            & scores.problem_id.map(lambda name, d=domain: by_id[name].domain == d)
        ]
        chosen[domain] = picks(solutions, own, how, settings["problems"], params.seed)
    wanted = (
        pd.concat(chosen.values())[["problem_id", "solution_id"]].drop_duplicates().merge(solutions)
    )
    reference = Sensitivity(
        params.folder, params.device, settings["sketch"], params.seed, params.revision
    )
    patterns = reference.patterns(
        [
            (by_id[row.problem_id], tuple(row.steps), row.finish_reason == "stop")
            for row in wanted.itertuples()
        ],
        f"patterns of {params.reference}",
    )
    rows = {
        key: row for row, key in enumerate(zip(wanted.problem_id, wanted.solution_id, strict=True))
    }
    table = compare(
        chosen, rows, patterns, analysis["level"], analysis["permutations"], params.seed
    )
    with atomic_write(snakemake.output.csv) as aside:
        table.assign(policy=params.policy, reference=params.reference).to_csv(aside, index=False)
