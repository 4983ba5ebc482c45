"""Write the facts of a verifier to a folder like those of the trained reward models; the weights of
the model that it asks stay in place.
"""

from prmscale.engines.facts import FACTS
from prmscale.files import atomic_write, write_json
from prmscale.jobs import job
from prmscale.rewards.verifiers import describe

with job(snakemake):
    facts = describe(snakemake.params.asked)
    with atomic_write(snakemake.output.folder) as aside:
        aside.mkdir()
        write_json(facts.to_json(), aside / FACTS)
