"""Train every replicate of one reward model; keep each and its checkpoints as Hugging Face folders
with a card.
"""

import os
import shutil
from pathlib import Path

from prmscale.files import atomic_write
from prmscale.jobs import job, shards_of
from prmscale.rewards.parallel import launch
from prmscale.rewards.replicates import Inputs, train_replicates

if __name__ == "__main__":  # the processes of several GPUs read this file too
    with job(snakemake):
        inputs = Inputs(
            *(list(snakemake.input[kind]) for kind in ("problems", "solutions", "labels"))
        )
        params, outputs = dict(snakemake.params), [Path(output) for output in snakemake.output]
        # outside the declared outputs, which Snakemake removes when a job fails
        read = [*inputs.solutions, *inputs.labels, *snakemake.input.base]
        done = shards_of(outputs[0].parent, params, *map(Path, read))
        done.mkdir(parents=True, exist_ok=True)
        processes = snakemake.resources.gpu if params["device"] == "cuda" else 1
        launch(train_replicates, processes, inputs, params, done)
        for number, output in enumerate(outputs, start=1):
            with atomic_write(output) as aside:
                shutil.copytree(done / str(number), aside, copy_function=os.link)
        shutil.rmtree(done)
