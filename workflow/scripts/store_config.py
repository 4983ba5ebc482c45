"""Keep the configuration used, defaults included, beside the results."""

import yaml

from prmscale.files import written_whole
from prmscale.jobs import job

with job(snakemake), written_whole(snakemake.output[0]) as aside:
    aside.write_text(yaml.safe_dump(snakemake.params.study, sort_keys=False, width=120))
