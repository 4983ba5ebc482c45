"""The paper's own study and its cuts: the whole of their jobs, planned without network or GPU."""

from collections import Counter

import pytest
import yaml
from pipeline import GPU_RULES, ROOT, snakemake

pytestmark = pytest.mark.study
STUDIES = ROOT / "workflow/studies"


def plan(*studies):
    """(rule, GPUs, nodes, output) of every job of a study, from its dry run."""
    files = [str(STUDIES / f"{name}.yaml") for name in studies]
    done = snakemake(ROOT, "-n", "--forceall", "--nolock", "--configfile", *files)
    assert done.returncode == 0, done.stderr[-2000:]
    jobs = []
    for line in map(str.strip, done.stdout.splitlines()):
        if line.startswith(("rule ", "localrule ")):
            jobs.append([line.split()[1].rstrip(":"), 0, 1, ""])
        elif line.startswith("output:"):
            jobs[-1][3] = line
        elif line.startswith("resources:") and "gpu=" in line:
            asked = dict(each.split("=") for each in line.split(": ")[1].split(", "))
            jobs[-1][1:3] = int(asked["gpu"]), int(asked["nodes"])
    return jobs


def settings(name):
    return yaml.safe_load((STUDIES / f"{name}.yaml").read_text())


def test_the_papers_jobs_and_what_they_ask_for():
    jobs = plan("paper")
    count = Counter(rule for rule, *_ in jobs)
    paper = settings("paper")
    tests = [(e["policy"], d) for e in paper["search"]["evaluations"] for d in e["datasets"]]
    trained_on = {d for data in paper["rewards"]["data"] for d in data.get("datasets", [])}
    models = paper["rewards"]["models"]
    assert count["build_problems"] == len(paper["datasets"])
    assert count["sample_solutions"] == len(tests) + len(trained_on) == 14 + 5
    assert count["label_solutions"] == paper["labels"]["jobs"] * len(trained_on)
    assert count["train_reward_model"] == len(models) and {m["base"] for m in models} == {
        f"qwen2.5-{size}b" for size in ("0.5", "1.5", "3", "7", "14", "32", "72")
    }
    assert count["import_corpus"] == len(paper["corpora"]) == 2
    assert count["search"] == len(models)
    assert count["search_trees"] == 2 * paper["search"]["tree"]["jobs"]
    for rule, gpus, nodes, output in jobs:
        assert (gpus > 0) == (rule in GPU_RULES), (rule, output)
        # the weights, gradients and optimiser states of 72B fill four nodes of 8 GPUs
        is_large = rule == "train_reward_model" and "-72b/" in output
        assert (gpus, nodes) == (32, 4) if is_large else gpus <= 8 and nodes == 1, (rule, output)
    # table 1 compares PRM-Math and PRM-Code of 72B alone
    assert {m["name"]: m["role"] for m in models if "role" in m} == {
        "aslaf-72b": "math",
        "code-72b": "code",
    }
    trained = {
        output.split("rewards/")[1].split("/")[0]: gpus
        for _, gpus, _, output in jobs
        if "/rewards/" in output
    }
    assert (
        trained["aslaf-0.5b"] == 1
        and trained["aslaf-0.5b"] < trained["aslaf-7b"] < trained["aslaf-72b"]
    )


@pytest.mark.parametrize(
    ("cut", "gpus"), [("paper_node", 8), ("paper_gpu", 1), ("paper_pretraining", 8)]
)
def test_a_cut_fits_into_its_machine(cut, gpus):
    jobs = plan("paper", cut)
    assert max(asked for _, asked, *_ in jobs) <= gpus
    assert all(f"results/{cut}/" in output for *_, output in jobs if output)


def test_a_pretraining_is_told_by_its_revision():
    released = settings("paper_pretraining")["policies"]["released"]
    bases = [m["model"] for m in released if "revision" in m]
    assert min(Counter(bases).values()) >= 4
    places = {(m["model"], m.get("revision")) for m in released}
    assert len(places) == len(released)
