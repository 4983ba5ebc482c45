"""Rank the samples of every test by the likelihood of one base, which has no reward training."""

from functools import partial

from prmscale import tables
from prmscale.engines.backends.transformers_likelihood import TransformersLikelihood
from prmscale.jobs import job
from prmscale.search import benchmarks, run
from prmscale.study import CodeExecution, World

with job(snakemake):
    params = snakemake.params
    world, execution = World(**params.world), CodeExecution(**params.execution)
    tests = list(benchmarks.load(params.tests, snakemake.input.solutions, world, execution))
    load = partial(TransformersLikelihood, device=params.device, revision=params.revision)
    found = run.rank_by_likelihood(tests, params.base, params.folders, load, params.budgets)
    tables.write(found, snakemake.output.search, "search")
