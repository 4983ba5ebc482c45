"""Run the strategies of one reward model over every test, let it name first errors, and keep its
scores of steps of which something is known.
"""

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
    labels = tables.read_all(files.labels, "labels")
    errors = run.find_errors(tests, list(validation), labels, FirstErrors(**params.first_errors))
    device = Device(params.device, snakemake.resources.gpu)
    load = partial(load_scorer, device=device, engine=params.engine)
    settings = run.Settings(
        params.strategies, params.budgets, params.aggregations, params.calibration
    )
    scored = run.search(
        tests,
        snakemake.wildcards.reward_model,
        run.find_checkpoints(files.reward_model),
        load,
        settings,
        errors,
    )
    tables.write(scored.first_errors, snakemake.output.first_errors, "first_errors")
    tables.write(scored.reliability, snakemake.output.reliability, "reliability")
    tables.write(scored.search, snakemake.output.search, "search")
