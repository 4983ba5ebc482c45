"""Fetching a study from a hub on this machine, and checking offline that all of it is there."""

import json
import os
import re
import shutil
import subprocess
import sys

import hub
import pandas as pd
import pytest
import tiny
import yaml
from pipeline import ROOT, copy_project, snakemake

from prmscale.rewards.train import load_base

OVERLAY = {
    "study": "theirs",
    "datasets": [
        {"name": "g", "source": "gsm8k", "test": 2},
        {"name": "t", "source": "taco", "test": 1},
    ],
    "policies": {
        "pretraining": {"ladder": []},
        "sampling": {"max_tokens": 8},
        "released": [
            {"name": "p", "model": "them/policy", "prompting": {"style": "plain"}},
            {"name": "unused", "model": "them/unused"},
        ],
    },
    "corpora": [],
    "rewards": {
        "data": [],
        "models": [],
        "released": [
            {
                "name": "r",
                "model": "them/prm",
                "format": "trl",
                "tokenizer": "them/tokenizer",
            }
        ],
    },
    "labels": {"policy": "p"},
    "search": {
        "evaluations": [{"policy": "p", "datasets": ["g"], "samples": 2}],
        "budgets": [1, 2],
        "likelihoods": [],
        "tree": {"reward_models": []},
    },
    "analysis": {"figures": ["fig3"]},
}
GSM8K = """---
configs:
- config_name: main
  data_files:
  - split: test
    path: main/test-*
---
"""


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    """What the hub has: weights in two formats, files that nothing loads, and data."""
    folder = tmp_path_factory.mktemp("hub")
    policy = tiny.saved(folder / "models/them/policy", width=8)
    (policy / "pytorch_model.bin").write_bytes(b"the same weights")
    (policy / "original").mkdir()
    (policy / "original/consolidated.safetensors").write_bytes(b"the same weights")
    prm, tokenizer = load_base(policy, 0)
    prm.save_pretrained(folder / "models/them/prm")
    tokenizer.save_pretrained(folder / "models/them/tokenizer")
    shutil.copy(policy / "config.json", folder / "models/them/tokenizer")
    gsm8k, taco = folder / "datasets/openai/gsm8k", folder / "datasets/BAAI/TACO"
    for path in (gsm8k / "main", taco / "ALL"):
        path.mkdir(parents=True)
        rows = pd.DataFrame([{"question": f"{n}?", "answer": f"#### {n}"} for n in range(4)])
        rows.to_parquet(path / "test-00000-of-00001.parquet")
    (gsm8k / "README.md").write_text(GSM8K)
    (taco / "TACO.py").write_text("raise SystemExit('never run')")
    return folder


def run(home, *arguments, overlay=OVERLAY, address="http://127.0.0.1:9"):
    """A command of the package with the study of an overlay, in a folder of its own."""
    home.mkdir(exist_ok=True)
    (home / "theirs.yaml").write_text(yaml.safe_dump(overlay))
    environment = os.environ | {"HF_HOME": str(home / "hf"), "HF_ENDPOINT": address}
    environment |= {"HF_HUB_OFFLINE": "0", "PYTHONPATH": str(ROOT / "workflow")}
    command = [
        sys.executable,
        "-m",
        "prmscale.fetch",
        *arguments,
        ROOT / "config.yaml",
        "theirs.yaml",
    ]
    return subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def fetched(repositories, tmp_path_factory):
    """A folder into whose hf/ a study was fetched, what was printed, and what was downloaded."""
    home = tmp_path_factory.mktemp("fetched")
    with hub.serve(repositories) as (address, downloads):
        done = run(home, address=address)
    assert done.returncode == 0, done.stderr
    return home, done.stdout, downloads


def test_only_what_is_loaded_is_fetched(fetched):
    _, printed, downloads = fetched
    files = {name.split("/", 2)[2] for name in downloads}
    tokenizer = ("tokenizer.json", "tokenizer_config.json")
    weights = ("config.json", "model.safetensors")
    expected = {f"policy/{name}" for name in (*weights, *tokenizer, "generation_config.json")}
    expected |= {f"prm/{name}" for name in weights}
    expected |= {f"tokenizer/{name}" for name in ("config.json", *tokenizer)}
    expected |= {"gsm8k/README.md", "gsm8k/main/test-00000-of-00001.parquet"}
    expected |= {"TACO/ALL/test-00000-of-00001.parquet"}
    assert files == expected
    assert "datasets[1].source: BAAI/TACO@d593ed0a2bec ALL/test-*.parquet: 0.00 GB" in printed


@pytest.mark.study
def test_jobs_run_without_a_network_on_what_was_fetched(fetched, tmp_path):
    home, *_ = fetched
    offline = os.environ | {"HF_HOME": str(home / "hf"), "HF_HUB_OFFLINE": "1"}
    overlay, target = str(home / "theirs.yaml"), "results/theirs/search/r.parquet"
    project = copy_project(tmp_path)
    done = snakemake(project, target, "--configfile", overlay, environment=offline)
    assert done.returncode == 0, done.stderr[-2000:]


MISSPELT = {"name": "p", "model": "them/polciy", "prompting": {"style": "plain"}}
PACKAGED = MISSPELT | {"model": "package:nowhere", "gguf_file": "q4.gguf"}


@pytest.mark.parametrize(
    ("policy", "offline", "said"),
    [
        (MISSPELT, "0", "the hub has no such model, and there is no such folder here."),
        (MISSPELT, "1", "not in the cache."),
        (PACKAGED, "1", "no Python package nowhere is installed here;"),
    ],
)
def test_what_jobs_would_not_find_is_said_before_the_first_job(
    policy, offline, said, repositories, tmp_path
):
    overlay = OVERLAY | {"policies": OVERLAY["policies"] | {"released": [policy]}}
    project = copy_project(tmp_path)
    (project / "theirs.yaml").write_text(yaml.safe_dump(overlay))
    with hub.serve(repositories) as (address, _):
        environment = os.environ | {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": address}
        environment |= {"HF_HUB_OFFLINE": offline}
        done = snakemake(project, "--configfile", "theirs.yaml", environment=environment)
    assert done.returncode == 1 and not (project / "results/theirs/problems").exists()
    line = rf"theirs.yaml:\d+: policies\.released\[0\]\.model = .*: {re.escape(said)}"
    assert re.search(line, done.stderr) and "Traceback" not in done.stderr, done.stderr


def test_what_is_there_is_not_fetched_again(fetched, repositories):
    home, *_ = fetched
    with hub.serve(repositories) as (address, downloads):
        done = run(home, address=address)
    assert done.returncode == 0 and downloads == []
    assert done.stdout.count(", here\n") == 5


def test_a_check_uses_no_network_and_names_each_missing_thing(fetched, tmp_path):
    home, *_ = fetched
    assert run(home, "--check").returncode == 0
    cache = shutil.copytree(home / "hf", tmp_path / "here/hf", symlinks=True) / "hub"
    next(cache.glob("models--them--prm/snapshots/*/model.safetensors")).unlink()
    shutil.rmtree(cache / "datasets--openai--gsm8k")
    done = run(tmp_path / "here", "--check")
    assert done.returncode == 1
    _, *missing, remedy = done.stderr.strip().splitlines()
    assert [line.split(": ", 1)[1] for line in missing] == [
        'rewards.released[0].model = "them/prm": the cache has no model.safetensors.',
        'datasets[0].source = "openai/gsm8k@740312add88f": not in the cache.',
    ]
    assert "theirs.yaml:" in missing[0]
    assert f"HF_HOME={tmp_path}/here/hf python -m prmscale.fetch" in remedy


def test_a_cache_that_was_filled_file_by_file_is_known_by_its_index(tmp_path):
    folder = tmp_path / "hf/hub/models--them--policy"
    snapshot = folder / "snapshots" / hub.COMMIT
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs/main").write_text(hub.COMMIT)
    shards = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    index = {"weight_map": dict(zip("ab", shards, strict=True))}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    for name in ("config.json", "tokenizer.json", shards[0]):
        (snapshot / name).write_text("{}")
    overlay = OVERLAY | {"datasets": [{"name": "g", "source": "arithmetic", "test": 2}]}
    overlay = overlay | {"rewards": OVERLAY["rewards"] | {"released": []}}
    missing = run(tmp_path, "--check", overlay=overlay).stderr
    assert f'"them/policy": the cache has no {shards[1]}.' in missing
    (snapshot / shards[1]).write_text("")
    assert run(tmp_path, "--check", overlay=overlay).returncode == 0


FAULTS = [
    ({"model": "them/polciy"}, "the hub has no such model, and there is no such folder here. "),
    ({"revision": "v9"}, "the hub has no revision 'v9' of it."),
    ({"gguf_file": "q4.gguf"}, "the hub has it, but not the file q4.gguf."),
    ({"model": "them/prm"}, "gated: accept its terms on https://huggingface.co/them/prm and "),
]


def test_all_that_the_hub_does_not_give_is_said_before_anything_is_fetched(repositories, tmp_path):
    released = [
        {"name": f"p{n}", "model": "them/policy"} | change for n, (change, _) in enumerate(FAULTS)
    ]
    evaluations = [OVERLAY["search"]["evaluations"][0] | {"policy": f"p{n}"} for n in range(4)]
    overlay = OVERLAY | {
        "policies": OVERLAY["policies"] | {"released": released},
        "search": OVERLAY["search"] | {"evaluations": evaluations},
        "labels": {"policy": "p0"},
    }
    with hub.serve(repositories, gated=["them/prm"]) as (address, downloads):
        done = run(tmp_path, address=address, overlay=overlay)
    assert done.returncode == 1 and downloads == []
    for n, (_, said) in enumerate(FAULTS):
        line = rf"theirs.yaml:\d+: policies\.released\[{n}\]\.model = .*: {re.escape(said)}"
        assert re.search(line, done.stderr), done.stderr


def test_a_hub_out_of_reach_is_one_line(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"them/policy could not be fetched: .*\. Check the network\n", done.stderr)


def test_a_study_that_needs_nothing_says_so(tmp_path):
    assert run(tmp_path, overlay={}).stdout == "laptop needs nothing from the hub.\n"
