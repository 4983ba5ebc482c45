"""What Snakemake says of a wrong configuration: one paragraph, with the user's file and line."""

import pytest
from pipeline import copy_project, snakemake

pytestmark = pytest.mark.study
MINE = """study: mine
labels:
  policy: mm
"""


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
