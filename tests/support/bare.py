"""Runs a command as on a machine without bubblewrap, SLURM and git: they are not on its PATH.

`python tests/support/bare.py COMMAND …`
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HIDDEN = tuple("bwrap git munge sacct salloc sbatch scancel scontrol sinfo slurm squeue srun".split())


def link_programs(folder):
    """Link to every program of PATH but the hidden ones; of equal names the first counts."""
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*"):
            link = folder / program.name
            if not program.name.startswith(HIDDEN) and not link.is_symlink():
                link.symlink_to(program.absolute())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        link_programs(Path(name))
        done = subprocess.run(sys.argv[1:], env={**os.environ, "PATH": name}, check=False)
    sys.exit(done.returncode)
