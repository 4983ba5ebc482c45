"""Run the strategies that need no reward model over every test."""

from prmscale import tables
from prmscale.jobs import job
from prmscale.search import run
from prmscale.study import CodeExecution, World

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    world, execution = World(**params.world), CodeExecution(**params.execution)
    tests = run.load_tests(params.tests, files.solutions, world, execution)
    found = run.search_unscored(tests, run.Settings(params.strategies, params.budgets))
    tables.write(found, snakemake.output.search, "search")
