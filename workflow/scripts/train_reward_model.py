"""Train every replicate of one reward model; keep each as a Hugging Face folder with a card."""

import os
import shutil
from pathlib import Path

from prmscale.engines.backends.loading import released_hashes
from prmscale.files import atomic_write
from prmscale.jobs import job
from prmscale.rewards.parallel import launch
from prmscale.rewards.replicates import Inputs, train_replicates
from prmscale.shards import unfinished_work

if __name__ == "__main__":  # the processes of several GPUs read this file too
    with job(snakemake):
        inputs = Inputs(
            *(list(snakemake.input[kind]) for kind in ("problems", "solutions", "labels"))
        )
        params, outputs = dict(snakemake.params), [Path(output) for output in snakemake.output]
        nodes = snakemake.resources.nodes
        # on CPUs one process a node
        processes = snakemake.resources.gpu if params["device"] == "cuda" else nodes
        bases = [(base, params["revision"]) for base in params["base_folders"]]
        released = released_hashes(bases, snakemake.input)
        # outside the declared outputs, which Snakemake removes when a job fails
        with unfinished_work(snakemake, outputs[0].parent, processes, *released) as done:
            launch(train_replicates, processes, inputs, params, done, nodes=nodes)
            for number, output in enumerate(outputs, start=1):
                with atomic_write(output) as aside:
                    shutil.copytree(done / str(number), aside, copy_function=os.link)
