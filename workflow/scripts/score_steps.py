"""Score every step of a policy's first samples with every training of one reward model."""

from functools import partial

from prmscale import tables
from prmscale.engines.models import Device, load_scorer
from prmscale.jobs import job
from prmscale.search import benchmarks
from prmscale.search.step_scores import score_steps
from prmscale.study import CodeExecution, World

with job(snakemake):
    params = snakemake.params
    world, execution = World(**params.world), CodeExecution(**params.execution)
    tests = list(benchmarks.load(params.tests, snakemake.input.solutions, world, execution))
    load = partial(load_scorer, device=Device(params.device))
    names = {"reward_model": snakemake.wildcards.reward_model, "role": params.role}
    scores = score_steps(tests, snakemake.input.reward_model, load, params.samples, names)
    tables.write(scores, snakemake.output.scores, "scores")
