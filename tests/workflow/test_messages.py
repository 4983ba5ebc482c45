"""What Snakemake says of a wrong configuration: one paragraph, with the user's file and line."""

import subprocess
import sys

import pytest
from pipeline import ROOT, copy_project, snakemake

MINE = """study: mine
labels:
  policy: mm
"""


JOB = """
import resource
import sys
from types import SimpleNamespace
sys.path.insert(0, "WORKFLOW")
import numpy
from prmscale.jobs import job
resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30,) * 2)
with job(SimpleNamespace(params={}, log=["log"], input=[], output=[], threads=1, rule="search")):
    numpy.ones(2**40, dtype=numpy.int8)
"""


def test_a_job_without_memory_says_what_to_do(tmp_path):
    script = JOB.replace("WORKFLOW", str(ROOT / "workflow"))
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False)
    said = (tmp_path / "log").read_text()
    assert done.returncode == 1 and "search: no memory was left. Ask for more" in said


@pytest.mark.study
def test_a_fault_is_placed_in_the_overlay_that_sets_the_key(tmp_path):
    project = copy_project(tmp_path)
    (project / "mine.yaml").write_text(MINE)
    done = snakemake(project, "-n", "--configfile", "mine.yaml")
    assert done.returncode != 0
    said = done.stdout + done.stderr  # a dry run speaks on its standard output
    assert 'mine.yaml:3: labels.policy = "mm"' in said and "Did you mean 'm'" in said
    assert "common.smk" not in said  # no traceback into files that are not the user's
    (project / "config.yaml").write_text((project / "config.yaml").read_text() + "nonsense: 1\n")
    done = snakemake(project, "-n", "--configfile", "workflow/studies/smoke.yaml")
    said = done.stdout + done.stderr
    assert " config.yaml:" in said and "nonsense" in said
