"""The pipeline itself, on the smoke study: end to end, again, cut short and resumed, and asked for
wrongly.
"""

import json
import os
import shutil
import signal
import subprocess
import time

import pandas as pd
import pytest
import torch
from datasets import load_dataset
from described import list_undescribed
from heads import read_data_card, read_model_card
from model_configs import QWEN_72B
from pipeline import GPU_RULES, SMOKE, command, digest, jobs, snakemake

from prmscale.claims import CLAIMS
from prmscale.figures import FIGURES, caption
from prmscale.files import CHECKSUMS, seal
from prmscale.tables import SCHEMAS

pytestmark = pytest.mark.study

# the domains have the same wordings, solutions one rule of steps, and policies one temperature
DRAWN = [name for name in FIGURES if name not in ("transfer", "granularity", "temperature")]


@pytest.mark.bare
def test_the_study_leaves_every_figure_table_and_verdict(project):
    results = project / "results/smoke"
    for figure in DRAWN:
        for kind in ("pdf", "png", "csv"):
            assert (results / f"figures/{figure}.{kind}").stat().st_size > 100
    claims = pd.read_csv(results / "tables/claims.csv")
    assert set(claims.verdict) <= {"supported", "not supported", "inconclusive", "not yet measured"}
    assert set(claims.claim) == {claim.NAME for claim in CLAIMS}
    assert "Does the PRM verify?" in (results / "claims.md").read_text()
    checks = pd.read_csv(results / "tables/checks.csv")
    assert {"accuracy", "verifies", "falls", "growth", "transfer"} <= set(checks.section)
    assert set(pd.read_csv(results / "tables/transfer.csv").trained_on) == {"math", "code", "both"}
    card = json.loads((results / "problems/programs.json").read_text())
    assert card["problems"]["test"] == 12
    assert card["world"]["wordings"]["less_than"]["misreading_rate"] == {"math": 0.6, "code": 0.6}
    contamination = pd.read_csv(results / "tables/contamination.csv")
    assert contamination.exact.sum() == 0
    assert "temperature: 0.8" in (results / "config.yaml").read_text()
    assert not list(results.rglob("*.partial*")) and not list(results.rglob(".shards/*"))
    assert list_undescribed(results) == []


def test_every_model_and_the_tables_carry_cards_that_the_hub_reads(project, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    results = project / "results/smoke"
    heads = {
        path.parent.relative_to(results): read_model_card(path.with_name("README.md"))
        for path in results.rglob("config.json")
    }
    assert len(heads) == 4 + 2 * 7  # with a checkpoint of both-m
    assert {(head["license"], head["language"]) for head in heads.values()} == {("mit", "en")}
    kinds = {(folder.parts[0], head["pipeline_tag"]) for folder, head in heads.items()}
    assert kinds == {("policies", "text-generation"), ("rewards", "token-classification")}
    tables = {config["config_name"] for config in read_data_card(results / "README.md")["configs"]}
    assert tables == set(SCHEMAS)
    labels = load_dataset(str(results), "labels", split="m.programs.omega").to_pandas()
    made = pd.read_parquet(results / "labels/m/programs.omega.parquet")
    pd.testing.assert_frame_equal(labels, made, check_dtype=False)


def test_tables_agree_with_each_other(project):
    results = project / "results/smoke"
    solutions = pd.read_parquet(results / "solutions/m/programs.search.parquet")
    search = pd.read_parquet(results / "search/without.parquet")
    own = search[(search.policy == "m") & (search.dataset == "programs")]
    assert own[own.strategy == "one_sample"].correct.mean() == pytest.approx(
        solutions.correct.mean()
    )
    oracle = own[(own.strategy == "oracle") & (own.budget == 8)].set_index("problem_id").correct
    assert (oracle == solutions.groupby("problem_id").correct.max()).all()
    labels = pd.read_parquet(results / "labels/m/programs.monte_carlo.parquet")
    steps = pd.read_parquet(results / "solutions/m/programs.labelling.parquet").steps.map(len).sum()
    assert len(labels) == steps and (labels.rollouts == 2).all()
    sets = pd.read_csv(results / "tables/training_sets.csv").set_index("training_set")
    grown = pd.read_parquet(results / "labels/m/programs.omega.parquet")
    learnt = grown[grown.problem_id.str.startswith("programs/train")]
    assert sets.loc["code", "right"] == pytest.approx(learnt.label.mean()) and sets.loc[
        "code", "steps"
    ] == len(learnt)
    compared = pd.read_csv(results / "tables/label_costs.csv").set_index(["dataset", "method", "k"])
    assert compared.loc[("programs", "monte_carlo", 8), "tokens_ratio"] == 1
    # a right prefix may fail, a wrong one hardly ever succeeds
    assert labels[labels.truth == 1].value.mean() > labels[labels.truth == 0].value.mean()


def test_tree_search_spends_no_more_than_the_samples_that_a_budget_stands_for(project):
    results = project / "results/smoke"
    worth = (
        pd.read_parquet(results / "solutions/m/programs.search.parquet")
        .groupby("problem_id")
        .tokens.mean()
    )
    found = pd.read_parquet(results / "search/trees/both-m/m/programs.parquet")
    assert set(found.strategy) == {"beam", "lookahead", "dvts", "mcts", "puct"} and set(
        found.replicate
    ) == {1, 2}
    assert (found.policy_tokens <= found.budget * found.problem_id.map(worth) + 1e-6).all()
    assert (found.flops_cached <= found.flops).all() and found.correct.any()
    trees = pd.read_parquet(results / "trees/both-m/m/programs.parquet")
    assert trees.problem_id.nunique() == 2 and trees.chosen.any()


def test_the_policys_own_likelihood_is_that_of_its_base(project):
    """The policy is the first pre-training of its base: read again, its samples are as likely as
    when it wrote them.
    """
    results = project / "results/smoke/search"
    own = pd.read_parquet(results / "without.parquet").query(
        "strategy == 'likelihood' and policy == 'm'"
    )
    base = pd.read_parquet(results / "likelihood/m.parquet").query(
        "policy == 'm' and replicate == 1"
    )
    keys = ["dataset", "problem_id", "aggregation", "budget"]
    both = own.merge(base, on=keys, suffixes=("", "_base"))
    assert len(both) == len(own) > 100
    assert (both.correct == both.correct_base).mean() > 0.99  # ties are broken by rounding


def test_nothing_that_is_trained_or_chosen_depends_on_test_problems(project):
    done = snakemake(project, *SMOKE, "-n", "--forceall", "results/smoke/rewards/both-m/replicate1")
    assert "sample_solutions" in jobs(done) and "search" not in jobs(done)
    assert ".search." not in done.stdout


def test_the_report_is_one_page_with_every_figures_caption(project):
    done = snakemake(project, *SMOKE, "--report", "report.html")
    assert done.returncode == 0, done.stderr[-2000:]
    page = (project / "report.html").read_text()
    for figure in DRAWN:
        first = caption(figure).split("\n")[0].split(" → ")[0]
        assert first in page, f"no caption of {figure}"


def test_a_second_run_does_nothing_and_a_changed_figure_redraws_that_one(project):
    assert "Nothing to be done" in snakemake(project, *SMOKE).stderr
    module = project / "workflow/prmscale/figures/fig1.py"
    module.write_text(module.read_text() + "# a changed style\n")
    assert jobs(snakemake(project, *SMOKE, "-n")) == {"all": 1, "draw_figure": 1}
    assert snakemake(project, "fig1", *SMOKE).returncode == 0


def test_made_again_it_is_the_same_to_the_byte(project):
    results = project / "results/smoke"
    targets = [
        "solutions/m/programs.labelling.parquet",
        "labels/m/programs.monte_carlo.parquet",
        "rewards/code-m/replicate2",
        "trees/both-m/m/arithmetic.parquet",
        "README.md",
    ]
    before = {t: digest(results / t) for t in targets}
    for t in targets:
        shutil.rmtree(results / t, ignore_errors=True)
        (results / t).unlink(missing_ok=True)
    done = snakemake(project, *(f"results/smoke/{t}" for t in targets), *SMOKE)
    assert done.returncode == 0, done.stderr[-2000:]
    assert {t: digest(results / t) for t in targets} == before


def kill_at_first_part(project, target):
    """Start the job that makes `target`, kill it once a part is finished, and return that part."""
    output = project / "results/smoke" / target
    shutil.rmtree(output) if output.is_dir() else output.unlink()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = command(f"results/smoke/{target}", *SMOKE)
    run = subprocess.Popen(started, cwd=project, start_new_session=True, **quiet)
    # of a training the folder stands beside that of its trainings
    shards = (output.parent.parent if target.startswith("rewards") else output.parent) / ".shards"
    deadline = time.monotonic() + 120
    while not list(shards.glob("*/[0-9]*")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not output.exists()
    assert snakemake(project, *SMOKE, "--unlock").returncode == 0
    return next(shards.glob("*/[0-9]*"))


def make_again(project, target):
    done = snakemake(project, f"results/smoke/{target}", "--rerun-incomplete", *SMOKE)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize(
    ("target", "log"),
    [
        ("labels/m/arithmetic.monte_carlo.parquet", "label_solutions/m.arithmetic.monte_carlo.log"),
        ("labels/m/programs.omega.parquet", "label_by_tree/m.programs.log"),
        ("search/trees/both-m/m/programs.parquet", "search_trees/both-m.m.programs.log"),
    ],
)
def test_killed_in_the_middle_it_resumes_to_the_same_bytes(project, target, log):
    before = digest(project / "results/smoke" / target)
    shard = kill_at_first_part(project, target)
    make_again(project, target)
    assert digest(project / "results/smoke" / target) == before
    told = (project / "results/smoke/logs" / log).read_text()
    assert "shard 2 of 2" in told and "shard 1 of 2" not in told and not shard.parent.exists()


def test_the_results_name_the_libraries_that_made_them(project):
    head = (project / "results/smoke/config.yaml").read_text().split("study: smoke")[0]
    assert f"# torch {torch.__version__}\n" in head and "# python 3." in head


def exchange(file, content):
    """Let a file be another one, which was made at the same time; a model is as whole as before."""
    times = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    seal(file.parent if (file.parent / CHECKSUMS).exists() else file)


POLICY = "policies/m/replicate1/100/model.safetensors"


@pytest.mark.parametrize(
    ("target", "log", "changed"),
    [
        ("solutions/m/programs.search.parquet", "sample_solutions/m.programs.search.log", POLICY),
        (
            "labels/m/arithmetic.monte_carlo.parquet",
            "label_solutions/m.arithmetic.monte_carlo.log",
            POLICY,
        ),
        ("labels/m/programs.omega.parquet", "label_by_tree/m.programs.log", POLICY),
        (
            "search/trees/both-m/m/programs.parquet",
            "search_trees/both-m.m.programs.log",
            "rewards/both-m/replicate2/model.safetensors",
        ),
        (
            "rewards/both-s/replicate1",
            "train_reward_model/both-s.log",
            "problems/programs.parquet",
        ),
    ],
)
def test_parts_made_from_other_inputs_are_never_used(project, target, log, changed):
    part = kill_at_first_part(project, target)
    file = project / "results/smoke" / changed
    whole = file.read_bytes()
    # the last weight, or a word in the table's metadata
    other = whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:]
    if changed.endswith(".parquet"):
        other = whole.replace(b"pandas", b"Pandas", 1)
    exchange(file, other)
    make_again(project, target)
    told = (project / "results/smoke/logs" / log).read_text()
    assert "Finished parts are kept in" in told and part.parent.name not in told
    assert not part.parent.exists()
    exchange(file, whole)
    output = project / "results/smoke" / target
    shutil.rmtree(output) if output.is_dir() else output.unlink()
    make_again(project, target)
    # the other tests find everything up to date
    assert snakemake(project, *SMOKE, "--touch").returncode == 0


def test_a_wrong_configuration_ends_before_any_job_without_a_traceback(project):
    done = snakemake(project, *SMOKE, "--config", "labels={policy: nobody}")
    assert done.returncode != 0
    assert "labels.policy" in done.stderr and "Possible: s, m" in done.stderr
    assert "Traceback" not in done.stderr and "rule " not in done.stderr


@pytest.mark.parametrize(
    "table", ["problems/corpus.parquet", "search/without.parquet", "search/both-m.speed.json"]
)
def test_damaged_results_are_named_and_nothing_is_lost(project, table):
    reader = "policies/m/replicate1/100" if "corpus" in table else "figures/fig5.pdf"
    file = project / "results/smoke" / table
    whole, times = file.read_bytes(), file.stat()
    file.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    done = snakemake(project, f"results/smoke/{reader}", *SMOKE, "--force")
    assert done.returncode != 0
    assert f"{table}: the file is missing or is not as it was written" in done.stderr
    assert "Traceback" not in done.stderr
    file.write_bytes(whole)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert snakemake(project, f"results/smoke/{reader}", *SMOKE).returncode == 0
    assert snakemake(project, *SMOKE, "--touch").returncode == 0


def asked(done):
    """The resource lines of a dry run's jobs, by rule."""
    assert done.returncode == 0, done.stderr[-2000:]
    lines, rule = {}, None
    for line in map(str.strip, done.stdout.splitlines()):
        if line.startswith(("rule ", "localrule ")):
            rule = line.split()[1].rstrip(":")
        elif line.startswith("resources:"):
            lines.setdefault(rule, set()).add(line)
    return lines


def test_a_clock_that_was_set_back_is_told_and_stops_no_job(project):
    table = project / "results/smoke/search/without.parquet"
    tomorrow = time.time() + 86400
    os.utime(table, (tomorrow, tomorrow))
    (project / "results/smoke/figures/fig4.pdf").unlink()

    redrawn = snakemake(project, "results/smoke/figures/fig4.pdf", *SMOKE)

    assert redrawn.returncode == 0, redrawn.stderr
    assert "clock was set back: 1 of the files in results/smoke" in redrawn.stderr
    assert table.stat().st_mtime < tomorrow


def test_every_run_starts_with_the_default_profile(project):
    done = snakemake(project, *SMOKE, "-n")
    assert "workflow specific profile profiles/default" in done.stdout + done.stderr


PROVED_AND_JUDGED = {
    "labels": {"advantage": {"prover": "s"}},
    "rewards": {
        "data": [
            {"name": "both", "datasets": ["arithmetic", "programs"], "labels": "advantage"},
            {"name": "math", "datasets": ["arithmetic"]},
            {"name": "code", "datasets": ["programs"]},
        ],
        "verifiers": [{"name": "itself", "base": "m", "prompt": "{problem}{steps}", "thoughts": 0}],
    },
}


def test_gpus_are_asked_for_where_models_run_and_nowhere_else(project, tmp_path):
    desk = ("--configfile", "workflow/studies/desk.yaml")  # has labels by another policy
    (tmp_path / "more.json").write_text(json.dumps(PROVED_AND_JUDGED))
    more = (*SMOKE, str(tmp_path / "more.json"))
    lines = {}
    for study in (desk, more, SMOKE):
        lines |= asked(snakemake(project, *study, "-n", "--forceall", "--config", "device=cuda"))
    assert {
        rule for rule, told in lines.items() if any("gpu=1" in line for line in told)
    } == GPU_RULES
    assert not any("gpu=" in line for line in lines["draw_figure"] | lines["build_problems"])
    on_cpus = asked(snakemake(project, *SMOKE, "-n", "--forceall"))
    assert not any("gpu=1" in line for told in on_cpus.values() for line in told)


def test_a_large_model_is_given_the_gpus_and_the_memory_it_needs(project, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(QWEN_72B))
    mine = {
        "study": "large",
        "device": "cuda",
        "policies": {
            "pretraining": {"ladder": []},
            "released": [{"name": "q", "model": str(tmp_path), "dtype": "bfloat16"}],
            "sampling": {"batch": 1},
        },
        "labels": {"policy": "q"},
        "rewards": {
            "data": [{"name": "both", "datasets": ["arithmetic", "programs"]}],
            "models": [{"name": "prm", "base": "q", "data": "both", "gpus": 8}],
        },
        "search": {
            "evaluations": [{"policy": "q", "datasets": ["arithmetic"], "samples": 8}],
            "likelihoods": [],
            "tree": {"reward_models": ["prm"]},
        },
    }
    (tmp_path / "mine.yaml").write_text(json.dumps(mine))
    lines = asked(snakemake(project, "-n", "fig3", *SMOKE, str(tmp_path / "mine.yaml")))
    for rule, gpus, mb in (
        ("sample_solutions", 4, 148408),
        ("train_reward_model", 8, 293816),
        ("search_trees", 8, 731040),
    ):
        assert all(f"gpu={gpus}" in line and f"mem_mb={mb}," in line for line in lines[rule])
