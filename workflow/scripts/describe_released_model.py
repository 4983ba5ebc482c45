"""Write the facts of a released reward model to a folder like those of the trained ones; its
weights stay in place.
"""

from prmscale.cards.head import find_base, finish_model
from prmscale.engines.facts import FACTS
from prmscale.files import atomic_write, write_json
from prmscale.jobs import job
from prmscale.rewards.card import card_of_released
from prmscale.rewards.released import describe
from prmscale.study import ReleasedRewardModel

with job(snakemake):
    released = ReleasedRewardModel(**snakemake.params.released)
    facts = describe(released).to_json()
    base = find_base(released.model, released.revision)
    with atomic_write(snakemake.output.folder) as aside:
        aside.mkdir()
        write_json(facts, aside / FACTS)
        finish_model(aside, card_of_released(facts, base))
