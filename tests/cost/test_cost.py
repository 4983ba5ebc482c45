"""The projected cost: work counted by hand, times by known rates, and a run without network."""

import json
import re
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from pipeline import GPU_RULES, ROOT, snakemake

from prmscale import configuration
from prmscale.cost import machines, work
from prmscale.cost.__main__ import project, total
from prmscale.cost.models import model_of
from prmscale.errors import UserError
from prmscale.search import TREE_STRATEGIES

SMOKE = deepcopy(yaml.safe_load((ROOT / "config.yaml").read_text()))
SMOKE["rewards"]["models"] = [
    {"name": "a", "base": "m", "data": "both", "training": {"checkpoints": [50, 100]}},
    {"name": "b", "base": "l", "data": "math", "training": {"steps": 0}},
]
SMOKE["rewards"]["training"]["seeds"] = 2
SMOKE["search"]["evaluations"][1]["reward_models"] = ["a"]
SMOKE["cost"] = {
    "prompt_tokens": {"math": 10, "code": 20},
    "solution_tokens": {"math": 30, "code": 40},
    "steps": {"math": 3, "code": 5},
    "distinct_prefixes": 0.5,
}
SMOKE["search"]["tree"] = {
    "reward_models": ["a"],
    "strategies": ["beam", "mcts"],
    "aggregations": ["min"],
}


def with_sets(*methods):
    """Two reward models of m, each with labels of programs by one of two methods; nothing is
    compared.
    """
    config = deepcopy(SMOKE)
    config["labels"] |= {"consensus": ["m", "l"], "compare": {}}
    config["rewards"]["data"] = [
        {"name": f"set{i}", "datasets": ["programs"], "labels": method}
        for i, method in enumerate(methods)
    ]
    config["rewards"]["models"] = [
        {"name": name, "base": "m", "data": f"set{i}"} for i, name in enumerate("ab")
    ]
    return config


@pytest.fixture(scope="module")
def small():
    return configuration.load(SMOKE)


@pytest.fixture(scope="module")
def jobs(small):
    return {(job.rule, job.name): job for job in work.jobs(small)}


def test_tokens_follow_from_the_configuration(jobs):
    tokens = {key: job.tokens for key, job in jobs.items()}
    assert tokens["sample_solutions", "m.arithmetic.search"] == 200 * 16 * 30
    assert tokens["sample_solutions", "s.programs.search"] == 200 * 8 * 40
    # (800 + 100) problems, 6 solutions, 4 open prefixes of which half are distinct, 4 rollouts of
    # half a solution
    assert tokens["label_solutions", "m.programs.monte_carlo"] == 900 * 6 * 4 * 0.5 * 4 * 20
    # 300 steps of 8 texts, two seeds; two checkpoints of each on the validation solutions of both
    # sets
    texts = 2 * 300 * 8 + 2 * 2 * 200 * 6
    assert tokens["train_reward_model", "a"] == pytest.approx(texts * (40 + 60) / 2)
    # of the samples by m, s and l, each training's first checkpoint reads those of m alone
    by_first, by_others = 200 * 16 * (40 + 60), 200 * 8 * (60 + 60)
    # each training names first errors at its end, with a threshold of the 100 validation problems
    # of each domain
    named = 2 * 100 * 6 * (40 + 60)
    assert tokens["search", "a"] == 4 * by_first + 2 * by_others + named
    assert tokens["search", "b"] == 2 * by_first + by_others + named  # not among those by s
    # beam runs for each budget (31 samples' worth), MCTS once (16); two seeds; a step is 10
    # tokens, 25 are read for it
    steps = 2 * 200 * (31 + 16) * 3
    assert tokens["search_trees", "a.m.arithmetic"] == steps * 10 + steps * 25


def test_responses_are_compared_where_reward_models_have_roles():
    config = deepcopy(SMOKE)
    for model, role in zip(config["rewards"]["models"], ("math", "code"), strict=True):
        model["role"] = role
    config["analysis"] = {"patterns": {"problems": 30}}
    found = {(job.rule, job.name): job for job in work.jobs(configuration.load(config))}
    # the first 8 samples, by two seeds; at most as many distinct texts are compared
    assert found["score_steps", "b"].tokens == 2 * 200 * 8 * (40 + 60)
    assert found["compare_patterns", ""].tokens == 30 * 8 * (40 + 60)


def test_a_verifier_costs_its_thoughts_about_every_step():
    config = deepcopy(SMOKE)
    verifier = {"name": "v", "base": "m", "thoughts": 2, "max_tokens": 50}
    config["rewards"]["verifiers"] = [verifier, {"name": "direct", "base": "m", "thoughts": 0}]
    config["search"]["evaluations"] = config["search"]["evaluations"][:1]
    config["search"]["tree"]["reward_models"] = ["v"]
    found = {(job.rule, job.name): job for job in work.jobs(configuration.load(config))}
    # 16 samples of 200 problems, and 6 solutions of 100 validation problems, in each domain; a
    # question has 100 tokens, the problem and half a solution, and is read again after a thought
    count = 16 * 200 + 6 * 100
    questions = {3: count * 3 * (100 + 10 + 15), 5: count * 5 * (100 + 20 + 20)}
    assert found["search", "direct"].tokens == sum(questions.values())
    thoughts = count * (3 + 5) * 2 * 50
    assert found["search", "v"].tokens == 2 * sum(questions.values()) + 2 * thoughts
    assert found["search", "v"].flops > 2 * found["search", "direct"].flops
    assert found["search", "v"].needs == found["sample_solutions", "m.arithmetic.search"].needs
    steps = 200 * (31 + 16) * 3  # as many as a reward model of one training reads
    judged = steps * 2 * (100 + 25 + 50) + steps * 2 * 50
    assert found["search_trees", "v.m.arithmetic"].tokens == steps * 10 + judged


def test_samplings_and_mixtures_are_priced_once():
    config = deepcopy(SMOKE)
    first, *_ = config["search"]["evaluations"]
    of_l = {"policy": "l", "datasets": ["programs"], "samples": 8}
    hot = {**first, "temperature": 1.2, "samples": 4, "reward_models": ["a"]}
    mixed = {**of_l, "policy": "m", "mixed_with": ["l"], "samples": 10, "reward_models": ["a"]}
    config["search"]["evaluations"] = [first, of_l, hot, mixed]
    config["search"]["tree"]["strategies"] = ["particle_filtering"]
    found = {(job.rule, job.name): job.tokens for job in work.jobs(configuration.load(config))}
    assert found["sample_solutions", "m@t=1.2.arithmetic.search"] == 200 * 4 * 30
    # m's share of the mixture is among its 16 samples, l's among its 8
    assert found["sample_solutions", "m.programs.search"] == 200 * 16 * 40
    assert found["sample_solutions", "l.programs.search"] == 200 * 8 * 40
    assert found["mix_solutions", "m+l.programs"] == 0
    sampled = [name for rule, name in found if rule == "sample_solutions"]
    assert not any("+" in name for name in sampled)
    # each training names first errors, and reads what it chooses among, checkpoints the first alone
    named, of_first, by_l = 2 * 100 * 6 * (40 + 60), 200 * 16 * (40 + 60), 200 * 8 * 60
    of_hot, of_mixed = 200 * 4 * (40 + 60), 200 * 10 * 60
    assert found["search", "a"] == 4 * of_first + 2 * (by_l + of_hot + of_mixed) + named
    assert found["search", "b"] == 2 * (of_first + by_l) + named
    steps = 2 * 200 * 31 * 3
    assert found["search_trees", "a.m.arithmetic"] == steps * 10 + steps * 25


def test_a_tree_costs_its_rollouts_and_needs_no_sampled_solutions():
    config = deepcopy(SMOKE)
    for data in config["rewards"]["data"]:
        data["labels"] = "omega"
    config["labels"] |= {"omega": {"searches": 3}, "compare": {}}
    found = {(job.rule, job.name): job.tokens for job in work.jobs(configuration.load(config))}
    # 900 problems: 4 whole solutions, and 3 searches of ceil(log2(5)) checks by 4 rollouts of half
    # a solution
    assert found["label_by_tree", "m.programs"] == 900 * (4 * 40 + 3 * 3 * 4 * 20)
    assert not [name for rule, name in found if rule == "label_solutions"]
    # without reward models that are asked for first errors nothing is sampled to be labelled
    config["search"]["evaluations"] = []
    config["search"]["tree"] = {}
    names = [job.name for job in work.jobs(configuration.load(config))]
    assert not [name for name in names if name.endswith(".labelling")]


def test_a_consensus_costs_each_labellers_search_once():
    config = with_sets("consensus", "binary_search")
    found = {(job.rule, job.name): job for job in work.jobs(configuration.load(config))}
    # 900 problems of 6 solutions: at most ceil(log2(5)) checks, and fewer distinct prefixes, 4 *
    # .5; 4 half rollouts
    each = 900 * 6 * min(3, 4 * 0.5) * 4 * 20
    own, other = (
        found["label_solutions", "m.programs.binary_search"],
        found["label_by_another", "m.programs.l"],
    )
    assert own.tokens == other.tokens == each and own.flops < other.flops
    assert found["read_labels", "m.programs.consensus"].tokens == 0
    rules = [rule for rule, name in found if ".programs" in name and "label" in rule]
    assert sorted(rules) == ["label_by_another", "label_solutions", "read_labels"]


def test_readings_share_rollouts_and_a_prover_adds_its_own():
    config = with_sets("progress", "advantage")
    config["labels"]["advantage"] = {"prover": "l"}
    found = {(job.rule, job.name): job for job in work.jobs(configuration.load(config))}
    # 900 problems of 6 solutions with 4 * .5 distinct prefixes, and 4 half rollouts of each
    own, other = (
        found["label_solutions", "m.programs.monte_carlo"],
        found["label_by_prover", "m.programs.l"],
    )
    assert own.tokens == other.tokens == 900 * 6 * 4 * 0.5 * 4 * 20 and own.flops < other.flops
    readings = [name for rule, name in found if rule == "read_labels"]
    assert readings == ["m.programs.progress", "m.programs.advantage"]
    assert [rule for rule, _ in found].count("label_solutions") == 1


def test_activations_that_are_not_kept_cost_a_forward_pass_more():
    def flops(**training):
        config = deepcopy(SMOKE)
        config["rewards"]["training"] |= training
        done = {
            job.name: job
            for job in work.jobs(configuration.load(config))
            if job.rule == "train_reward_model"
        }
        return done["a"].passes[0].flops

    again = {"activation_checkpointing": True}
    assert flops(**again) == pytest.approx(4 / 3 * flops())
    lora = {"lora": {"rank": 2, "alpha": 2}}
    assert flops(**lora, **again) == pytest.approx(3 / 2 * flops(**lora))


def test_what_is_frozen_is_read_once_a_text(small):
    config = with_sets("monte_carlo", "monte_carlo")
    config["rewards"]["training"] |= {"steps": 1000, "batch": 16, "seeds": 1}
    for model, head in zip(config["rewards"]["models"], ("evidence", "implicit"), strict=True):
        model["training"] = {"head": head, "supervise": "outcome"}
    done = [
        job for job in work.jobs(configuration.load(config)) if job.rule == "train_reward_model"
    ]
    forward = model_of(small, "m").shape.forward_flops(60)
    assert done[0].passes[0].flops == pytest.approx(800 * 6 * forward)
    assert done[1].passes[0].flops == pytest.approx((3 * 16_000 + 800 * 6) * forward)


def test_first_errors_of_process_bench_are_read():
    config = deepcopy(SMOKE)
    config["search"]["first_errors"] = {
        "process_bench": [{"subset": "gsm8k"}, {"subset": "omnimath"}]
    }
    more = sum(job.tokens for job in work.jobs(configuration.load(config)))
    # two reward models, two seeds, as many solutions as are published
    assert (
        more - sum(job.tokens for job in work.jobs(configuration.load(SMOKE))) == 2 * 2 * 1400 * 40
    )


@pytest.mark.study
@pytest.mark.parametrize("study", ["smoke", "desk", "paper", "paper_gpu"])
def test_the_jobs_are_those_of_the_workflow(study):
    """Every job that runs a model, by rule and name, and no other; jobs that share a table count as
    one.
    """
    files = [
        f"workflow/studies/{name}.yaml" for name in dict.fromkeys([study.split("_")[0], study])
    ]
    loaded = configuration.load_files([ROOT / "config.yaml", *(ROOT / file for file in files)])
    done = snakemake(ROOT, "-n", "--forceall", "--nolock", "--configfile", *files)
    logs = re.findall(rf"log: results/{study}/logs/(\S+)\.log", done.stdout)
    tables = [re.sub(r"\.\d+of\d+$", "", path) for path in logs]
    planned = {tuple(path.split("/", 1)) if "/" in path else (path, "") for path in tables}
    counted = {(job.rule, job.name) for job in work.jobs(loaded)}
    assert counted == {
        each for each in planned if each[0] in GPU_RULES | {"read_labels", "search_unscored"}
    }, done.stderr[-500:]


def test_flops_are_those_of_the_formula(small, jobs):
    model = model_of(small, "m")
    assert model.parameters == pytest.approx(204_500, rel=0.01)
    (write,) = jobs["sample_solutions", "m.arithmetic.search"].passes
    assert write.flops == pytest.approx(
        200 * (16 * model.shape.forward_flops(30, 10) + model.shape.forward_flops(10))
    )
    train = jobs["train_reward_model", "a"].passes[0]
    assert train.flops == 2 * 300 * 8 * model.decoder.training_flops(50)
    assert jobs["train_reward_model", "a"].stored == 2 * 2 * 4 * model.parameters


def test_a_gpu_writes_as_fast_as_its_memory_and_trains_by_its_peak(jobs):
    gpu = machines.gpu("h100")
    launched = jobs["train_reward_model", "a"].passes[0]
    steps = launched.updates * launched.model.shape.layers
    assert gpu.busy_seconds(launched) == pytest.approx(steps * machines.PER_UPDATE)
    train = replace(launched, updates=0)
    assert gpu.busy_seconds(train) == pytest.approx(
        train.flops / (67e12 * machines.EXPECTED.of_peak["train"])
    )
    (write,) = jobs["sample_solutions", "m.arithmetic.search"].passes
    assert gpu.busy_seconds(write) == pytest.approx(
        write.tokens * 4 * machines.PER_LAYER / write.batch
    )
    with pytest.raises(UserError, match=r"--gpu h1000: not in .*gpus.csv; possible: a100, h100"):
        machines.gpu("h1000")


def test_the_range_is_from_short_solutions_and_a_busy_gpu_to_long_ones_and_an_idle_one(small):
    jobs = {
        lengths: {(job.rule, job.name): job for job in work.jobs(small, lengths)}
        for lengths in (0.5, 1.0, 2.0, 10.0)
    }
    # solutions of 40 tokens, and of 128 at most; 5 steps have 4 open prefixes, 10 have 9
    sampled = [each["sample_solutions", "s.programs.search"].tokens for each in jobs.values()]
    assert sampled == [200 * 8 * length for length in (20, 40, 80, 128)]
    rollouts = [each["label_solutions", "m.programs.monte_carlo"].tokens for each in jobs.values()]
    assert rollouts[:3] == [
        900 * 6 * n * 0.5 * 4 * half for n, half in ((1.5, 10), (4, 20), (9, 40))
    ]
    # pre-training has its own tokens
    assert len({each["pretrain_policy", "m.1"].tokens for each in jobs.values()}) == 1
    table = project(small, machines.gpu("h100")).set_index("stage")
    paid = table[table.gpu_hours > 0]
    # a pre-training of so small a model waits for its kernels, whatever the GPU does
    assert (paid.low <= paid.gpu_hours).all() and (paid.gpu_hours <= paid.high).all()
    assert paid.low.sum() < paid.gpu_hours.sum() < paid.high.sum()


def measured_hours(monkeypatch, folder, **hours):
    """From now on sampling has taken these hours, and twice the CPU hours; nothing else has run."""
    benchmarks = folder / "results/laptop/benchmarks/sample_solutions"
    benchmarks.mkdir(parents=True)
    for policy, each in hours.items():
        file = benchmarks / f"{policy}.programs.search.tsv"
        file.write_text(f"s\tcpu_time\n{3600 * each}\t{7200 * each}\n")
    monkeypatch.chdir(folder)


def test_taken_gpu_hours_stand_beside_the_projected(tmp_path, monkeypatch):
    config = deepcopy(SMOKE) | {"device": "cuda"}
    shape = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 2}
    shape |= {"model_type": "llama", "intermediate_size": 128, "vocab_size": 100}
    big = {"name": "big", "model": "nobody/has-this", "gpus": 2, "config": shape}
    config["policies"]["released"] = [big]
    config["search"]["evaluations"].append({"policy": "big", "datasets": ["programs"]})
    measured_hours(monkeypatch, tmp_path, big=2, s=1)
    study = configuration.load(config)
    table = total(project(study, machines.gpu("h100"))).set_index("stage")
    row, whole = table.loc["sample_solutions"], table.loc["total of what was measured"]
    assert row.measured == 2 * 2 + 1 and row.ratio == pytest.approx(row.gpu_hours / 5)
    assert whole.measured == 5 and whole.ratio == row.ratio
    assert table.drop(["sample_solutions", whole.name]).measured.isna().all()


def test_cpu_hours_stand_beside_those_of_a_core_alone(small, tmp_path, monkeypatch):
    measured_hours(monkeypatch, tmp_path, s=1)
    row = project(small, machines.gpu("core")).set_index("stage").loc["sample_solutions"]
    assert row.measured == 2 and row.ratio == row.hours / 2
    assert "measured" not in project(small, machines.gpu("h100"))


def test_times_of_one_study_tell_those_of_another(small):
    """Jobs that take so long a job, a token and a FLOP: told from one study, they are right for
    another.
    """
    rates = np.array([5.0, 2e-6, 3e-12])

    def took(jobs):
        return pd.DataFrame(
            [(j.rule, j.name, rates @ [1, j.tokens, j.flops]) for j in jobs], columns=columns
        )

    columns = ["rule", "name", "seconds"]
    known = work.jobs(configuration.load(yaml.safe_load((ROOT / "config.yaml").read_text())))
    measured = machines.Measured.fit(known, took(known))
    others = [
        job
        for job in work.jobs(small)
        if job.rule in ("sample_solutions", "train_reward_model", "search")
    ]
    for job, seconds in zip(others, took(others).seconds, strict=True):
        assert measured.seconds(job) == pytest.approx(seconds, rel=0.02)


def test_jobs_that_share_a_table_took_what_one_job_takes(tmp_path):
    folder = tmp_path / "benchmarks/label_solutions"
    folder.mkdir(parents=True)
    for name, seconds in (("m.sums.omega.1of2", 3), ("m.sums.omega.2of2", 4), ("m.sums", 5)):
        (folder / f"{name}.tsv").write_text(f"s\tcpu_time\n{seconds}\t{seconds}\n")
    found = machines.read_seconds(tmp_path, "cuda")
    assert dict(zip(found.name, found.seconds, strict=True)) == {"m.sums.omega": 7, "m.sums": 5}


def test_the_papers_cost_is_told_offline(tmp_path):
    files = [ROOT / "config.yaml", ROOT / "workflow/studies/paper.yaml"]
    command = [sys.executable, "-m", "prmscale.cost", "--gpu", "h100", *map(str, files)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "paper on h100" in done.stdout
    table = pd.read_csv(tmp_path / "results/paper/tables/cost.csv").set_index("stage")
    stages = table.drop("total")
    assert {
        "sample_solutions",
        "label_solutions",
        "train_reward_model",
        "search",
        "search_trees",
    } <= set(stages.index)
    paid = stages[stages.gpu_hours > 0]
    assert (paid.low < paid.gpu_hours).all() and (paid.gpu_hours < paid.high).all()
    for column in ("gpu_hours", "low", "high", "tokens", "flops", "gb"):
        assert table.loc["total", column] == pytest.approx(stages[column].sum())
    # the trained weights of all sizes alone, in float32
    assert table.gb["train_reward_model"] > 4 * (0.5 + 1.5 + 3 + 7 * 12 + 14 + 32 + 2 * 72)


def test_a_model_of_unknown_size_is_named(small):
    config = deepcopy(SMOKE)
    config["policies"]["released"] = [{"name": "big", "model": "nobody/has-this"}]
    with pytest.raises(
        UserError, match=r"policies\.released, big: the size of nobody/has-this is not known"
    ):
        model_of(configuration.load(config), "big")


def with_lengths(results):
    """The study that has run, told what its solutions were like."""
    study = configuration.load_files([results / "config.yaml"])
    folder, spent = results / "solutions", {}
    for name, domain in (("arithmetic", "math"), ("programs", "code")):
        own = pd.concat(map(pd.read_parquet, sorted(folder.glob(f"m/{name}.*.parquet"))))
        labels = pd.read_parquet(results / f"labels/m/{name}.monte_carlo.parquet")
        open_ = labels.groupby(["problem_id", "solution_id"]).step.transform("max") > labels.step
        spent[domain] = {
            "prompt_tokens": own.prefix_tokens.mean(),
            "solution_tokens": own.tokens.mean(),
            "steps": own.steps.map(len).mean(),
            "distinct_prefixes": (labels.tokens_spent[open_] > 0).mean(),
        }
    cost = {key: {domain: own[key] for domain, own in spent.items()} for key in spent["math"]}
    cost["distinct_prefixes"] = np.mean([*cost["distinct_prefixes"].values()])
    return study.model_copy(update={"cost": study.cost.model_copy(update=cost)})


def written(results):
    """Tokens that jobs of a run wrote, by rule and name."""
    for path in sorted(results.glob("solutions/*/*.parquet")):
        if "omega" not in path.name:
            yield (
                "sample_solutions",
                f"{path.parent.name}.{path.stem}",
                pd.read_parquet(path).tokens.sum(),
            )
    for path in sorted(results.glob("labels/*/*.spent.parquet")):
        spent, (dataset, method, *_) = pd.read_parquet(path), path.name.split(".")
        if (
            method == "compare"
        ):  # the other methods share those draws, which each is charged with as if alone
            yield (
                "compare_labels",
                dataset,
                spent[spent.method.isin(["monte_carlo", "omega"])].tokens.sum(),
            )
        elif method == "omega":
            yield "label_by_tree", f"{path.parent.name}.{dataset}", spent.tokens.sum()
        else:
            yield "label_solutions", f"{path.parent.name}.{dataset}.{method}", spent.tokens.sum()
    for path in sorted(results.glob("search/trees/*/*/*.parquet")):
        rows = pd.read_parquet(path)
        ends = rows[
            ~rows.strategy.map(lambda name: TREE_STRATEGIES[name].anytime)
            | (rows.budget == rows.budget.max())
        ]
        yield "search_trees", ".".join([*path.parts[-3:-1], path.stem]), ends.policy_tokens.sum()


def learnt(results):
    """FLOPs of the trainings of a run, by rule and name."""
    for path in sorted(results.glob("policies/*/replicate*/100/pretraining.json")):
        name = f"{path.parts[-4]}.{path.parts[-3].removeprefix('replicate')}"
        yield "pretrain_policy", name, json.loads(path.read_text())["flops"]
    for folder in sorted(results.glob("rewards/[!.]*")):
        cards = [
            json.loads(path.read_text()) for path in folder.glob("replicate*/reward_model.json")
        ]
        yield "train_reward_model", folder.name, sum(card["train_flops"] for card in cards)


@pytest.mark.study
def test_a_run_did_the_work_that_was_predicted_of_it(project):
    """Told how long its solutions were; what may stop early does no more than that."""
    results = project / "results/smoke"
    jobs = {(job.rule, job.name): job for job in work.jobs(with_lengths(results))}
    rows = [(rule, jobs[rule, name].passes, "write", done) for rule, name, done in written(results)]
    rows += [(rule, jobs[rule, name].passes, "train", done) for rule, name, done in learnt(results)]
    measured = []
    for rule, passes, kind, done in rows:
        amounts = [p.tokens if kind == "write" else p.flops for p in passes if p.kind == kind]
        measured.append({"rule": rule, "predicted": sum(amounts), "done": done})
    table = pd.DataFrame(measured).groupby("rule", sort=False).sum()
    ratio = table.done / table.predicted
    print(table.assign(ratio=ratio))
    exact = ["pretrain_policy", "sample_solutions", "label_solutions", "train_reward_model"]
    assert ratio[exact].between(0.8, 1.25).all()
    assert ratio[["label_by_tree", "compare_labels", "search_trees"]].between(0.05, 1.25).all()


def test_the_laptop_study_on_a_gpu_is_planned_for_ten_minutes():
    files = [ROOT / "config.yaml", ROOT / "workflow/studies/laptop_gpu.yaml"]
    study = configuration.load_files(files)
    hours = project(study, machines.gpu("h100")).gpu_hours.sum()
    assert 60 * hours / 8 < 10  # eight jobs share the card
    largest = model_of(study, "l").parameters
    assert 45e6 < largest < 55e6
