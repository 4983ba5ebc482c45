"""Keep the configuration used, defaults included, beside the results."""

import yaml

from prmscale.files import atomic_write
from prmscale.jobs import job

with job(snakemake), atomic_write(snakemake.output[0]) as aside:
    aside.write_text(yaml.safe_dump(snakemake.params.study, sort_keys=False, width=120))
