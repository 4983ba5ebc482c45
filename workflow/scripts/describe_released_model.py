"""Write the facts of a released reward model to a folder like those of the trained ones; its
weights stay in place.
"""

from prmscale.engines.facts import FACTS
from prmscale.files import atomic_write, write_json
from prmscale.jobs import job
from prmscale.rewards.released import describe
from prmscale.study import ReleasedRewardModel

with job(snakemake):
    facts = describe(ReleasedRewardModel(**snakemake.params.released))
    with atomic_write(snakemake.output.folder) as aside:
        aside.mkdir()
        write_json(facts.to_json(), aside / FACTS)
