"""What a study needs is fetched from a small hub, found again offline, and named if missing."""

import json
import os
import subprocess
import sys

import fake_hub
import pandas as pd
import pytest
import tiny
import yaml
from pipeline import ROOT

from prmscale.errors import UserError
from prmscale.fetch import Model

pytestmark = pytest.mark.slow
GSM8K = "openai/gsm8k"
STUDY = {
    "study": "hub",
    "datasets": [
        {"name": "gsm8k", "source": "gsm8k", "train": 2, "validation": 1, "test": 2},
        {"name": "math", "source": "hendrycks_math", "train": 2},
    ],
    "policies": {
        "pretraining": {"ladder": []},
        "released": [{"name": "p", "model": "us/policy", "prompting": {"style": "plain"}}],
    },
    "labels": {"policy": "p"},
    "corpora": [{"name": "prm800k", "source": "prm800k", "skip_malformed": True}],
    "rewards": {
        "data": [{"name": "d", "datasets": ["gsm8k"]}],
        "models": [{"name": "r", "base": "p", "data": "d"}],
        "released": [
            {"name": "prm", "model": "us/prm", "tokenizer": "us/policy", "format": "llemma"}
        ],
    },
    "search": {
        "evaluations": [{"policy": "p", "datasets": ["gsm8k"], "samples": 2}],
        "budgets": [1, 2],
        "likelihoods": [],
        "tree": {"reward_models": []},
        "first_errors": {"process_bench": [{"subset": "gsm8k"}]},
    },
    "analysis": {"figures": ["fig1"]},
}


def write_lines(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub with a policy, a PRM without a tokenizer, and four data sets."""
    root = tmp_path_factory.mktemp("hub")
    policy, prm = root / "models/us/policy", root / "models/us/prm"
    tiny.saved(policy, 16)
    tiny.saved(prm, 16)
    for file in prm.glob("tokenizer*"):
        file.unlink()
    for extra in ("onnx/model.onnx", "pytorch_model.bin", "original/model.safetensors"):
        (policy / extra).parent.mkdir(exist_ok=True)
        (policy / extra).write_bytes(b"not loaded")
    data = root / "datasets"
    rows = [{"question": f"{i} + 1?", "answer": f"#### {i + 1}"} for i in range(20)]
    for split in ("train", "test"):
        write_lines(data / GSM8K / f"main/{split}.jsonl", *rows)
    (data / GSM8K / "README.md").write_text(
        "---\nconfigs:\n- config_name: main\n  data_files:\n"
        "  - {split: train, path: main/train.jsonl}\n"
        "  - {split: test, path: main/test.jsonl}\n---\n"
    )
    for subject in ("algebra", "geometry"):
        folder = data / "EleutherAI/hendrycks_math" / subject
        folder.mkdir(parents=True)
        pd.DataFrame(
            {"problem": [f"{subject} {i}" for i in range(20)], "solution": "\\boxed{1}"}
        ).to_parquet(folder / "train-00000-of-00001.parquet")
    write_lines(data / "tasksource/PRM800K/phase1_train.jsonl", {"question": {}, "label": {}})
    row = {"id": "1", "problem": "1 + 1?", "steps": ["2"], "label": -1}
    write_lines(data / "Qwen/ProcessBench/gsm8k.jsonl", row)
    (data / "Qwen/ProcessBench/README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - {split: gsm8k, path: gsm8k.jsonl}\n---\n"
    )
    with fake_hub.serve(root) as running:
        yield running


def fetch(folder, hub, change=None, *arguments):
    """Run the command on the study with a cache in `folder`."""
    study = json.loads(json.dumps(STUDY))
    if change:
        change(study)
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))},
        "HF_HOME": str(folder / "cache"),
        "HF_ENDPOINT": hub.address,
        "HF_HUB_DISABLE_XET": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "prmscale.fetch", *arguments, ROOT / "config.yaml", "study.yaml"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def fetched(hub, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fetched")
    done = fetch(folder, hub)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_everything_is_fetched_and_then_found_offline(fetched, hub):
    folder, said = fetched
    assert "us/policy\n    fetching" in said and "everything is here" in said
    assert "test 20 rows" in said and "prm800k" in said
    hub.asked.clear()
    done = fetch(folder, hub, None, "--check")
    assert (done.returncode, hub.asked) == (0, [])


def test_only_what_is_loaded_is_fetched(fetched):
    folder, _ = fetched
    (snapshot,) = (folder / "cache/hub/models--us--policy/snapshots").iterdir()
    names = {p.name for p in snapshot.rglob("*")}
    assert "model.safetensors" in names and "tokenizer.json" in names
    assert not names & {"pytorch_model.bin", "onnx", "original"}


def test_models_that_are_here_are_not_fetched_again(fetched, hub):
    folder, _ = fetched
    hub.asked.clear()
    assert "us/policy\n    was here" in fetch(folder, hub).stdout
    assert not [path for path in hub.asked if "us/policy" in path]


def test_a_check_names_everything_that_is_missing(hub, tmp_path):
    hub.asked.clear()
    done = fetch(tmp_path, hub, None, "--check")
    assert (done.returncode, hub.asked) == (1, [])
    for name in ("us/policy", "us/prm", GSM8K, "hendrycks_math", "PRM800K", "ProcessBench"):
        assert name in done.stderr
    assert "make fetch" in done.stderr and "Traceback" not in done.stderr


TYPOS = {
    "unknown": ({"model": "us/polcy"}, "the hub has no model of this name"),
    "terms": ({"model": "us/gated"}, "accept its terms on https://huggingface.co/us/gated"),
    "branch": ({"revision": "v2"}, "no branch, tag or commit 'v2'"),
    "file": ({"gguf_file": "x.gguf"}, "no file 'x.gguf' (gguf_file); its GGUF files: none"),
    "words": ({"model": "my model"}, "no name of the hub"),
}


def test_typos_are_named_with_their_keys(hub, tmp_path):
    def write(study):
        policies = study["policies"]["released"]
        policies += [{**policies[0], "name": name, **key} for name, (key, _) in TYPOS.items()]

    done = fetch(tmp_path, hub, write)
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and "Traceback" not in done.stderr
    for name, (_, says) in TYPOS.items():
        (line,) = [each for each in lines if each.startswith(f"- policies.released, {name}: model")]
        assert says in line


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["model.safetensors", "pytorch_model.bin"], ["model.safetensors"]),
        (["model-1-of-2.safetensors", "model-2-of-2.safetensors", "consolidated.safetensors"],
         ["model-1-of-2.safetensors", "model-2-of-2.safetensors"]),
        (["pytorch_model.bin", "tf_model.h5"], ["pytorch_model.bin"]),
    ],
)  # fmt: skip
def test_the_weights_are_those_that_transformers_loads(names, chosen):
    assert Model("a/b").choose_files(names) == chosen


def test_weights_that_transformers_cannot_load_are_refused():
    with pytest.raises(UserError, match="need `gguf_file`"):
        Model("a/b").choose_files(["q4.gguf"])
