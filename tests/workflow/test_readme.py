"""The overlay of the README plans the jobs that it promises."""

import json
import re

import pytest
from model_configs import QWEN_HALF_B
from pipeline import ROOT, copy_project, snakemake

pytestmark = pytest.mark.study


def test_the_overlay_for_your_own_policy_prm_and_benchmark_is_a_study(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (overlay,) = [block for block in blocks if "study: mine" in block]
    project = copy_project(tmp_path)
    model = project / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps(QWEN_HALF_B))
    (project / "data").mkdir()
    for split in ("train", "test"):
        (project / f"data/gsm8k_{split}.jsonl").write_text(
            '{"question": "1 + 1?", "answer": "#### 2"}\n'
        )
    for name in ("/models/mine-1.5b", "/models/prm-7b"):
        assert overlay.count(name) == 1
        overlay = overlay.replace(name, str(model))
    (project / "mine.yaml").write_text(overlay)
    done = snakemake(project, "-n", "--configfile", "mine.yaml")
    assert done.returncode == 0, done.stderr[-2000:]
    for job in (
        "label_solutions",
        "train_reward_model",
        "describe_released_model",
        "search_trees",
        "judge_claims",
    ):
        assert f"rule {job}:" in done.stdout
    assert "results/mine/figures/fig8.pdf" in done.stdout and "gpu=1" in done.stdout
