"""Jobs that run a model by vLLM enter its environment, or say what is missing."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import tiny
from pipeline import ROOT

from prmscale import jobs
from prmscale.engines.backends import vllm_model
from prmscale.engines.models import Device, load_policy
from prmscale.errors import UserError
from prmscale.study import Prompting, Sampling

pytestmark = pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is here")
SCRIPT = """
from types import SimpleNamespace
from prmscale.jobs import job
given = {"params": {"engine": "ENGINE"}, "log": ["log"], "threads": 1, "rule": "search"}
with job(SimpleNamespace(**given, input=[], output=[])):
    print("the job ran")
"""


def run(folder, engine):
    """What is printed, and the log, of a script in `folder` that scores by this engine."""
    (folder / "script.py").write_text(SCRIPT.replace("ENGINE", engine))
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    arguments = {
        "cwd": folder,
        "env": environment,
        "capture_output": True,
        "text": True,
        "timeout": 60,
        "check": True,
    }
    printed = subprocess.run([sys.executable, "script.py"], **arguments).stdout
    log = folder / "log"
    return printed, log.read_text() if log.exists() else ""


def test_a_job_on_vllm_starts_again_in_its_environment(tmp_path):
    python = tmp_path / ".venv-vllm" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho entered with $1\n")
    python.chmod(0o755)
    assert run(tmp_path, "vllm") == ("entered with script.py\n", "")
    printed, log = run(tmp_path, "transformers")
    assert printed == "" and log.startswith("the job ran\n")


def test_an_environment_without_vllm_is_entered_once(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv-vllm"], check=True
    )
    printed, log = run(tmp_path, "vllm")
    assert printed == "" and log.startswith("the job ran\n")


def test_a_missing_environment_is_said_before_any_job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jobs, "CHECKOUT", tmp_path)
    with pytest.raises(UserError, match="make vllm"):
        jobs.require_vllm()


def test_a_missing_vllm_is_said_by_the_engine(tmp_path):
    folder = tiny.saved(tmp_path, width=16)
    with pytest.raises(UserError, match=r"m is to run on vllm, which this Python lacks.*make vllm"):
        load_policy("m", folder, Prompting(), Sampling(engine="vllm"), Device(), seed=0)


def test_what_vllm_refuses_is_an_error_for_people():
    with (
        pytest.raises(
            UserError, match="m: vLLM fails: no such architecture\nThe engine transformers"
        ),
        vllm_model.refusals("m"),
    ):
        raise ValueError("no such architecture")
