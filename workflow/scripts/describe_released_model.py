"""Write the facts of a released reward model to a folder like those of the trained ones; its
weights stay in place.
"""

from prmscale.engines.models import FACTS
from prmscale.files import write_json, written_whole
from prmscale.jobs import job
from prmscale.rewards.released import describe
from prmscale.study import ReleasedRewardModel

with job(snakemake):
    facts = describe(ReleasedRewardModel(**snakemake.params.released))
    with written_whole(snakemake.output.folder) as aside:
        aside.mkdir()
        write_json(facts, aside / FACTS)
