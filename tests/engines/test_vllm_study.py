"""A whole study on vLLM, from samples to claims; then again with transformers as the scorer.

Besides the ladder it has a released policy that answers chats, and whose replies are cut, a judge,
and a released reward model.
"""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import torch
from chats import tokenizer
from pipeline import ROOT, SMOKE, copy_project
from tiny_prms import WIDE, wide_qwen
from transformers import LlamaConfig, LlamaForCausalLM

pytest.importorskip("vllm", reason="vLLM has an environment of its own: make test-vllm")

OVERLAY = """
study: on-vllm
datasets:
  - {name: arithmetic, source: arithmetic, train: 12, validation: 4, test: 6}
  - {name: programs, source: programs, train: 12, validation: 4, test: 6}
policies:
  pretraining:
    ladder:
      - {name: s, width: 32, layers: 2, heads: 1}
      - {name: m, width: 64, layers: 2, heads: 2}
  sampling: {engine: vllm, batch: 64}
  released:
    - {name: chat, model: ./chat, dtype: float32, prompting: {style: chat}}
rewards:
  released:
    - {name: theirs, model: ./theirs, format: qwen, dtype: float32}
  verifiers:
    - {name: judge, base: chat, thoughts: 0}
search:
  engine: vllm
  evaluations:
    - {policy: m, datasets: [arithmetic, programs], samples: 8}
    - {policy: chat, datasets: [arithmetic], samples: 4}
"""


def save_models(folder):
    torch.manual_seed(0)
    made = tokenizer("llama3")
    shape = {**WIDE, "vocab_size": len(made)}
    LlamaForCausalLM(LlamaConfig(**shape)).save_pretrained(folder / "chat")
    made.save_pretrained(folder / "chat")
    (folder / "theirs").mkdir()
    wide_qwen(folder / "theirs")


def run(folder, *arguments):
    """Run the pipeline in its own environment, which starts the jobs that need vLLM in theirs."""
    command = [str(ROOT / ".venv/bin/snakemake"), "--cores", "2", *SMOKE, "on-vllm.yaml"]
    done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]


def test_a_study_from_samples_to_claims(tmp_path):
    folder = copy_project(tmp_path)
    (folder / ".venv-vllm").symlink_to(ROOT / ".venv-vllm")
    save_models(folder)
    (folder / "on-vllm.yaml").write_text(OVERLAY)
    run(folder)
    results = folder / "results/on-vllm"
    speed = json.loads((results / "solutions/chat/arithmetic.search.speed.json").read_text())
    assert (speed["engine"], speed["dtype"]) == ("vllm", "float32")
    written = pd.read_parquet(results / "solutions/chat/arithmetic.search.parquet")
    assert (written.finish_reason == "length").any()
    assert "inconclusive" in (results / "claims.md").read_text()
    assert (results / "figures/fig3.pdf").stat().st_size
    shutil.copytree(results / "search", folder / "by-vllm")
    run(folder, "--config", "search={'engine': 'transformers'}")
    for model in ("both-m", "theirs"):
        one, other = (
            pd.read_parquet(place / f"{model}.parquet")
            for place in (folder / "by-vllm", results / "search")
        )
        scores = one.score.to_numpy(), other.score.to_numpy()
        np.testing.assert_allclose(*scores, atol=1e-4, err_msg=model)
        assert (one.answer.fillna("") == other.answer.fillna("")).mean() > 0.95, model
