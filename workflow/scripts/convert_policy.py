"""Turn a GGUF file into an ordinary Hugging Face folder, once."""

from prmscale.files import atomic_write
from prmscale.jobs import job
from prmscale.policies.released import convert
from prmscale.study import ReleasedPolicy

with job(snakemake), atomic_write(snakemake.output.folder) as aside:
    convert(ReleasedPolicy(**snakemake.params.model), aside)
