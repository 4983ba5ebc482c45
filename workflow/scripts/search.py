"""Run the strategies of one reward model over every test, let it name first errors, and keep its
scores of steps of which something is known.
"""

from collections import Counter

from prmscale import tables
from prmscale.engines.models import Device, load_scorer
from prmscale.files import write_json
from prmscale.jobs import job
from prmscale.search import benchmarks, run
from prmscale.study import CodeExecution, FirstErrors, World

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    world, execution = World(**params.world), CodeExecution(**params.execution)
    tests = run.load_tests(params.tests, files.solutions, world, execution)
    validation = [
        *benchmarks.load(params.validation, files.validation, world, execution, "validation")
    ]
    labels = tables.read_all(files.labels, "labels")
    errors = run.find_errors(tests, validation, labels, FirstErrors(**params.first_errors))
    device = Device(params.device, snakemake.resources.gpu)
    reward_model, counts = snakemake.wildcards.reward_model, Counter()

    def load(folder):
        scorer = load_scorer(folder, device, params.engine)
        scorer.counts = counts  # of all scorers; each is dropped before the next is loaded
        return scorer

    settings = run.Settings(
        params.strategies, params.budgets, params.aggregations, params.calibration
    )
    scored = run.search(
        tests,
        reward_model,
        run.find_checkpoints(files.reward_model),
        load,
        settings,
        errors,
    )
    tables.write(scored.first_errors, snakemake.output.first_errors, "first_errors")
    tables.write(scored.reliability, snakemake.output.reliability, "reliability")
    tables.write(scored.solution_scores, snakemake.output.scores, "solution_scores")
    speed = {"reward_model": reward_model, "seconds_per_token": scored.seconds_per_token}
    write_json(speed, snakemake.output.speed)
    tables.write(scored.search, snakemake.output.search, "search")
    if counts:
        write_json(counts, snakemake.output.verdicts)
