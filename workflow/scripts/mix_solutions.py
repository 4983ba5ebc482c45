"""Mix the solutions of several policies, which take turns on every problem."""

from prmscale import tables
from prmscale.files import read_json, write_json
from prmscale.jobs import job
from prmscale.policies.sample import average_speed, mix_solutions

with job(snakemake):
    params, files = snakemake.params, snakemake.input
    mixed = mix_solutions([tables.read(f, "solutions") for f in files.solutions], params.samples)
    seconds = [read_json(file)["seconds_per_token"] for file in files.speeds]
    speed = average_speed(mixed, dict(zip(params.policies, seconds, strict=True)))
    names = {name: snakemake.wildcards[name] for name in ("policy", "dataset")}
    write_json({**names, "seconds_per_token": speed}, snakemake.output.speed)
    tables.write(mixed, snakemake.output.solutions, "solutions")
