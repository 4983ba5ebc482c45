"""Keep the configuration used, defaults included, beside the results; above it stand the versions
of libraries and the fingerprints of its plugins.
"""

import yaml

from prmscale.files import atomic_write
from prmscale.jobs import job

with job(snakemake), atomic_write(snakemake.output[0]) as aside:
    study = yaml.safe_dump(snakemake.params.study, sort_keys=False, width=120)
    versions = [f"# {name} {version}\n" for name, version in snakemake.params.versions.items()]
    hashes = [f"# plugin {path}: {key}\n" for path, key in snakemake.params.plugins.items()]
    aside.write_text("".join([*versions, *hashes, study]))
