"""Run the strategies of one reward model over every test, and let it name first errors."""

from functools import partial

from prmscale import tables
from prmscale.engines.models import Device, load_scorer
from prmscale.jobs import job
from prmscale.search import benchmarks, run
from prmscale.study import CodeExecution, FirstErrors, World

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    world, execution = World(**params.world), CodeExecution(**params.execution)
    tests = run.load_tests(params.tests, files.solutions, files.speeds, world, execution)
    validation = benchmarks.load(
        params.validation, files.validation, world, execution, "validation"
    )
    errors = run.find_errors(tests, list(validation), FirstErrors(**params.first_errors))
    device = Device(params.device, snakemake.resources.gpu)
    load = partial(load_scorer, device=device, engine=params.engine)
    search, first_errors = run.search(
        tests,
        snakemake.wildcards.reward_model,
        run.find_checkpoints(files.reward_model),
        load,
        run.Settings(params.strategies, params.budgets, params.aggregations),
        errors,
    )
    tables.write(first_errors, snakemake.output.first_errors, "first_errors")
    tables.write(search, snakemake.output.search, "search")
