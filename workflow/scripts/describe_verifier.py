"""Write the facts of a verifier to a folder like those of the trained reward models; the weights of
the model that it asks stay in place.
"""

from prmscale.cards.head import find_base, finish_model
from prmscale.engines.facts import FACTS
from prmscale.files import atomic_write, write_json
from prmscale.jobs import job
from prmscale.rewards.card import card_of_released
from prmscale.rewards.verifiers import describe

with job(snakemake):
    asked = snakemake.params.asked
    facts = describe(asked).to_json()
    base = find_base(asked["model"], asked["revision"])
    with atomic_write(snakemake.output.folder) as aside:
        aside.mkdir()
        write_json(facts, aside / FACTS)
        finish_model(aside, card_of_released(facts, base))
