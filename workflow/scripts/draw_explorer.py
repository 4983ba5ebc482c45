"""Make the page on which every problem, solution, step and search tree of a study is looked at."""

import pandas as pd

from prmscale import tables
from prmscale.analysis.rows import has_other_aggregation, keep_final
from prmscale.explorer.data import SHOWN, Tables, describe
from prmscale.explorer.page import assemble
from prmscale.files import atomic_write
from prmscale.jobs import job
from prmscale.results import Results
from prmscale.search import benchmarks
from prmscale.study import CodeExecution, World

COLUMNS = [
    *("problem_id", "dataset", "policy", "reward_model", "training_step", "strategy"),
    *("aggregation", "budget", "replicate", "answer", "chosen", "correct"),
    *("policy_tokens", "reward_tokens", "flops"),
]


def read_choices(path, aggregation, problems):
    """The rows of a search table by this aggregation and by final reward models."""
    rows = tables.read(path, "search", COLUMNS, problems)
    return keep_final(rows[~has_other_aggregation(rows, aggregation)])


def read_trees(path, problems, reward_model, policy, dataset):
    """The saved trees of a search."""
    names = {"reward_model": reward_model, "policy": policy, "dataset": dataset}
    return tables.read(path, "trees", problems=problems).assign(**names)


with job(snakemake):
    params, files = snakemake.params, snakemake.input
    world, execution = World(**params.world), CodeExecution(**params.execution)
    results = Results({"rewards": files.rewards}, params.aggregation, params.aggregations)
    aggregation = results.aggregation
    splits = (
        ("test", params.tests, files.solutions),
        ("validation", params.validation, files.validation),
    )
    sets = []
    for split, plans, solutions in splits:
        loaded = benchmarks.load(plans, solutions, world, execution, split, SHOWN)
        sets += [(split, each) for each in loaded if each.problems]
    shown = {problem.problem_id for _, each in sets for problem in each.problems}
    trees = [
        read_trees(path, shown, *search)
        for path, search in zip(files.trees, params.trees, strict=True)
    ]
    read = Tables(
        pd.concat([read_choices(path, aggregation, shown) for path in files.search]),
        tables.read_all(files.scores, "solution_scores", shown),
        tables.read_all(files.labels, "labels", shown),
        tables.join(trees, "trees"),
    )
    facts = {
        "study": params.study,
        "aggregation": aggregation,
        "first_model": params.first_model,
    }
    page = assemble(describe(sets, read, facts))
    with atomic_write(snakemake.output.page) as aside:
        aside.write_text(page, encoding="utf-8")
