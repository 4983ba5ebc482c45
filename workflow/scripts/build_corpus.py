"""Write the pre-training corpus, its tokenizer and its card."""

import pandas as pd

from prmscale.files import atomic_write, write_json
from prmscale.jobs import job
from prmscale.study import World
from prmscale.tasks.world.corpus import build_tokenizer, card, corpus

with job(snakemake):
    world = World(**snakemake.params.world)
    documents = corpus(
        world,
        tokens=snakemake.params.tokens,
        seed=snakemake.params.seed,
        math_share=snakemake.params.math_share,
    )
    with atomic_write(snakemake.output.corpus) as aside:
        pd.DataFrame(documents, columns=["prompt", "solution"]).to_parquet(aside, index=False)
    with atomic_write(snakemake.output.tokenizer) as aside:
        build_tokenizer(world).save_pretrained(aside)
    write_json(card(world), snakemake.output.card)
