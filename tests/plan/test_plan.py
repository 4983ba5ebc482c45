"""What a study plans: files, labellers, samples, pre-trainings and memory."""

from copy import deepcopy

import pytest
import yaml
from model_configs import QWEN_72B
from pipeline import ROOT

from prmscale import configuration
from prmscale.engines import memory
from prmscale.errors import UserError
from prmscale.plan.evaluations import list_mixtures, list_temperatures
from prmscale.plan.labelling import list_label_jobs, list_read
from prmscale.plan.needs import Needs
from prmscale.plan.plan import Plan
from prmscale.plan.verifying import describe_asked

DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())
DOMAINS = ["arithmetic", "programs"]
BIG = {"name": "big", "model": "nobody/big", "config": {"model_type": "qwen2", **QWEN_72B}}
EVALUATIONS = [{"policy": "m", "datasets": ["arithmetic", "programs"], "samples": 16}]
RELEASED_PRM = {"name": "prm", "model": "nobody/prm", "format": "skywork"}


def merge(config, changes):
    for key, value in changes.items():
        config[key] = (
            merge(config.get(key, {}), value) if isinstance(value, dict) and value else value
        )
    return config


def plan(**changes):
    """The plan of the default configuration with these keys changed."""
    return Plan(configuration.load(merge(deepcopy(DEFAULT), changes)))


@pytest.mark.parametrize(
    ("name", "replicate", "folder"),
    [
        ("m", 1, "results/laptop/policies/m/replicate1/100"),
        ("m@10", 2, "results/laptop/policies/m/replicate2/10"),
        ("big", 1, "nobody/big"),
        ("gguf", 1, "results/laptop/policies/gguf/converted"),
    ],
)
def test_a_name_of_the_configuration_stands_for_a_folder(name, replicate, folder):
    gguf = {"name": "gguf", "model": "nobody/gguf", "gguf_file": "model.gguf"}
    paths = plan(policies={"released": [BIG, gguf]}).paths
    assert paths.policy_folder(name, replicate) == folder
    assert paths.inputs([folder]) == ([folder] if folder.startswith("results/") else [])


def test_trainings_of_a_reward_model_start_from_pretrainings_in_turn():
    three = plan(rewards={"training": {"seeds": 3}}, policies={"pretraining": {"seeds": 2}})
    bases = [folder.split("/")[-2] for folder in three.paths.training_bases("both-xxs")]
    assert bases == ["replicate1", "replicate2", "replicate1"]
    assert len(three.paths.reward_folders("both-xxs")) == 3


def test_a_released_reward_model_has_one_folder_and_one_checkpoint():
    with_prm = plan(rewards={"released": [RELEASED_PRM], "training": {"seeds": 3}})
    assert with_prm.paths.reward_folders("prm") == ["results/laptop/rewards/prm/replicate1"]
    assert with_prm.checkpoints("prm") == 1


def test_a_verifier_asks_a_model_that_the_pipeline_makes_or_finds():
    verifiers = [{"name": "judge", "base": "xxs@10"}, {"name": "large", "base": "big"}]
    each = plan(
        rewards={"models": [], "verifiers": verifiers, "data": []},
        policies={"released": [BIG | {"dtype": "bfloat16"}]},
        search={"tree": {}, "likelihoods": []},
    )
    assert ("xxs", 1) in each.pretrainings()
    assert each.paths.reward_folders("judge") == ["results/laptop/rewards/judge/replicate1"]
    asked = describe_asked(each, "judge")
    assert asked["model"] == "results/laptop/policies/xxs/replicate1/10"
    assert (asked["dtype"], asked["prompting"]["style"]) == ("float32", "plain")
    assert describe_asked(each, "large")["prompting"]["style"] == "chat"
    size = memory.size(QWEN_72B)  # it writes: room for a batch of thoughts
    batch, tokens = each.study.policies.sampling.batch, each.study.rewards.verifiers[1].max_tokens
    assert Needs(each).search("large") == [memory.generating(size, "bfloat16", batch, tokens)]


@pytest.mark.parametrize(
    ("methods", "labellers"),
    [
        (["monte_carlo"], ["s"]),
        (["oracle"], []),
        (["consensus"], ["m", "l"]),
        (["omega", "consensus"], ["s", "m", "l"]),
        (["progress", "denoised"], ["s"]),
        (["advantage"], ["s", "xxs"]),
    ],
)
def test_labellers_are_the_writer_or_those_that_must_agree(methods, labellers):
    labels = {"consensus": ["m", "l"], "advantage": {"prover": "xxs"}}
    assert plan(labels=labels).labellers("s", *methods) == labellers


def test_only_methods_with_a_choice_have_a_rule_and_a_consensus_is_of_binary_searches():
    assert list(plan().decisions("monte_carlo", "consensus", "oracle")) == ["binary_search"]


def test_a_consensus_and_its_writers_own_labels_share_a_binary_search():
    data = [
        {"name": name, "datasets": ["programs"], "labels": name}
        for name in ("consensus", "binary_search")
    ]
    models = [{"name": each["name"], "base": "m", "data": each["name"]} for each in data]
    shared = plan(
        labels={"consensus": ["m", "l"]},
        rewards={"data": data, "models": models},
        search={"tree": {}},
    )
    assert [each.labeller for each in list_label_jobs(shared)] == ["m", "l"]
    by = [shared.paths.labels_by(*each).split("/")[-1] for each in list_label_jobs(shared)]
    assert by == ["programs.binary_search.parquet", "programs.by.l.parquet"]


def test_readings_of_one_labeller_share_its_rollouts_and_a_prover_adds_its_own():
    names = ("monte_carlo", "progress", "denoised", "advantage")
    data = [{"name": name, "datasets": ["programs"], "labels": name} for name in names]
    models = [{"name": each["name"], "base": "m", "data": each["name"]} for each in data]
    shared = plan(
        labels={"advantage": {"prover": "l"}},
        rewards={"data": data, "models": models},
        search={"tree": {}},
    )
    by = [shared.paths.labels_by(*each).split("/")[-1] for each in list_label_jobs(shared)]
    assert by == ["programs.monte_carlo.parquet", "programs.monte_carlo.by.l.parquet"]
    assert list_read(shared, "m", "programs", "advantage") == list_label_jobs(shared)
    settings = shared.readings(*names)
    assert list(settings) == ["progress", "denoised", "advantage"]
    assert settings["progress"] == {"threshold": 0.8}


def test_every_samples_file_is_planned_once():
    samples = plan().all_samples()
    assert len({each[:3] for each in samples}) == len(samples)
    tests = [each for each in samples if each.purpose == "search"]
    assert [each.splits for each in tests] == [["test"]] * len(plan().study.tests())


def evaluated(*evaluations):
    """The plan of m on programs with 16 samples, and these evaluations on programs."""
    first = {"policy": "m", "datasets": ["programs"], "samples": 16}
    more = [{"datasets": ["programs"], "samples": 8, **each} for each in evaluations]
    return plan(search={"evaluations": [first, *more], "tree": {}})


@pytest.mark.parametrize(
    ("evaluation", "name", "sampled"),
    [
        ({"policy": "l"}, "l", (0.8, 1.0)),
        ({"policy": "l", "temperature": 0.8, "top_p": 1.0}, "l", (0.8, 1.0)),
        ({"policy": "m", "temperature": 1.2}, "m@t=1.2", (1.2, 1.0)),
        ({"policy": "l@30", "temperature": 0.0, "top_p": 0.9}, "l@30@t=0,p=0.9", (0.0, 0.9)),
    ],
)
def test_samples_are_named_by_their_policy_and_by_a_sampling_of_their_own(
    evaluation, name, sampled
):
    chosen = evaluated(evaluation)
    assert [test["policy"] for test in chosen.tests()] == ["m", name]
    writer, found = chosen.study.find_writer(name)
    assert (writer, found.temperature, found.top_p) == (evaluation["policy"], *sampled)
    assert found.max_tokens == chosen.study.policies.sampling.max_tokens
    model, _, percent = evaluation["policy"].partition("@")
    folder = f"results/laptop/policies/{model}/replicate1/{percent or 100}"
    assert chosen.weights(name)["folder"] == folder
    assert chosen.prompting(name, "programs") == chosen.prompting(evaluation["policy"], "programs")
    assert chosen.paths.solutions(name, "programs", "search") == chosen.test_files("solutions")[1]
    of_name = [each for each in chosen.all_samples() if each.policy == name]
    assert [each.samples for each in of_name if each.purpose == "search"] == [8]


def test_mixed_samples_are_shared_with_those_of_one_policy():
    mixtures = [
        {"policy": "m", "mixed_with": ["l", "s"], "samples": 16},
        {"policy": "l", "samples": 4},
        {"policy": "m", "mixed_with": ["l"], "temperature": 1.2, "samples": 5},
    ]
    mixed = evaluated(*mixtures)
    names = ["m", "m+l+s", "l", "m+l@t=1.2"]
    assert [test["policy"] for test in mixed.tests()] == names
    assert [test["samples"] for test in mixed.tests()] == [16, 16, 4, 5]
    drawn = {each.policy: each.samples for each in mixed.all_samples() if each.purpose == "search"}
    # of 16 samples in turns m writes 6, l and s write 5
    assert drawn == {"m": 16, "l": 5, "s": 5, "m@t=1.2": 3, "l@t=1.2": 2}
    assert [mixed.study.name_samples(each) for each, _ in list_mixtures(mixed.study)] == names[1::2]
    assert mixed.first_policy == mixed.reference == "m"


def test_temperatures_are_compared_where_one_policy_has_several_on_a_data_set():
    hot = {"policy": "m", "temperature": 1.2}
    assert list_temperatures(evaluated(hot).study) == [
        {"policy": "m", "temperature": 0.8},
        {"policy": "m@t=1.2", "temperature": 1.2},
    ]
    assert "temperature" in evaluated(hot).figures()
    for other in (
        {"policy": "l", "temperature": 1.2},
        {**hot, "top_p": 0.9},
        {**hot, "datasets": ["arithmetic"]},
        {**hot, "mixed_with": ["l"]},
    ):
        assert list_temperatures(evaluated(other).study) == []
        assert "temperature" not in evaluated(other).figures()


@pytest.mark.parametrize("named", [["math-m"], "roles"])
def test_a_reward_model_searches_in_the_evaluations_that_name_it_or_its_role(named):
    of_s = {"policy": "s", "datasets": ["programs"], "samples": 16, "reward_models": named}
    chosen = plan(search={"evaluations": [*EVALUATIONS, of_s]})
    of_m = ["m.arithmetic", "m.programs"]
    for name, tests in (("both-s", of_m), ("math-m", [*of_m, "s.programs"])):
        assert [f"{t['policy']}.{t['dataset']['name']}" for t in chosen.tests(name)] == tests
        assert len(chosen.test_files("solutions", name)) == len(tests)
    assert chosen.test_files("speeds") == chosen.test_files("speeds", "math-m")
    assert chosen.test_files("problems") == chosen.test_files("problems", "both-s")


def test_where_no_reward_model_has_a_role_all_choose_among_solutions_for_roles():
    of_s = {"policy": "s", "datasets": ["programs"], "samples": 16, "reward_models": "roles"}
    models = [{"name": name, "base": "m", "data": "both"} for name in ("first", "second")]
    chosen = plan(
        rewards={"models": models},
        search={"evaluations": [*EVALUATIONS, of_s], "tree": {"reward_models": []}},
    )
    assert [len(chosen.tests(name)) for name in ("first", "second")] == [3, 3]


def test_a_pretraining_that_no_job_reads_is_not_planned():
    config = {
        "policies": {"pretraining": {"seeds": 2}},
        "rewards": {"models": [{"name": "a", "base": "l@30", "data": "both"}]},
        "search": {"evaluations": [], "likelihoods": [], "tree": {}},
        "labels": {"compare": {}},
    }
    config["rewards"]["training"] = {"seeds": 2}
    # m writes the training solutions; the two trainings start from two pre-trainings of l
    assert plan(**config).pretrainings() == [("m", 1), ("l", 1), ("l", 2)]


def test_every_strategy_is_planned_with_or_without_a_reward_model():
    planned = plan().strategies(scored=True) + plan().strategies(scored=False)
    assert sorted(planned) == sorted(plan().study.search.strategies)


def test_recorded_solutions_are_tested_and_never_sampled(tmp_path):
    (tmp_path / "mine.jsonl").touch()
    recorded = [{"name": "mine", "path": str(tmp_path / "mine.jsonl")}]
    of_mine = {"policy": "mine", "datasets": ["programs"], "samples": 8}
    each = plan(policies={"recorded": recorded}, search={"evaluations": [*EVALUATIONS, of_mine]})
    assert "mine" not in {samples.policy for samples in each.all_samples()}
    assert each.paths.solutions("mine", "programs", "search") in each.test_files("solutions")


def test_a_reward_model_of_math_and_code_is_trained_on_both():
    assert plan().training_domain("both-xxs") == "both"


def test_jobs_ask_for_gpus_only_where_models_run_on_gpus():
    released = [BIG | {"dtype": "bfloat16"}]
    changes = {"policies": {"released": released, "sampling": {"batch": 1}}}
    on_cpu, on_gpu = Needs(plan(**changes)), Needs(plan(device="cuda", **changes))
    assert on_cpu.gpus(on_cpu.sample("big")) == 0 and on_gpu.gpus([]) == 0
    assert on_gpu.gpus(on_gpu.sample("m")) == 1 and on_gpu.gpus(on_gpu.sample("big")) == 4
    assert on_gpu.megabytes(3000, on_gpu.sample("m")) == 3000
    # weights pass through main memory on the way to a GPU; on CPUs the KV cache stays there
    weights = 2 * memory.size(QWEN_72B).weights / 1e6
    assert on_gpu.megabytes(0, on_gpu.sample("big")) == int(weights)
    assert on_cpu.megabytes(0, on_cpu.sample("big")) > weights


def test_a_training_that_one_node_cannot_hold_asks_for_several():
    models = [
        {"name": "full", "base": "big", "data": "both"},
        {"name": "adapted", "base": "big", "data": "both", "training": {"lora": {}}},
    ]
    training = {"optimizer": "adamw"}
    changes = {
        "policies": {"released": [BIG]},
        "rewards": {"models": models, "training": training},
        "search": {"tree": {}},
    }

    def asked(name, **also):
        needs = Needs(plan(**changes, **also))
        return needs.gpus(needs.train(name)), needs.nodes(needs.train(name))

    def main_memory(name):
        needs = Needs(plan(**changes, device="cuda"))
        return needs.megabytes(0, needs.train(name))

    # the first process gathers the optimiser's state, two numbers a weight
    weights = 4 * memory.size(QWEN_72B).weights / 1e6
    assert main_memory("full") == pytest.approx(2 * weights, rel=0.001)
    assert main_memory("adapted") == pytest.approx(weights, rel=0.001)
    assert asked("full", device="cuda") == (32, 4)
    assert asked("full", device="cuda", cluster={"gpus_per_node": 4}) == (32, 8)
    assert asked("adapted", device="cuda") == (8, 1)
    assert asked("full") == (0, 1)


def test_a_search_by_vllm_keeps_every_checkpoint_in_memory():
    models = [
        {"name": "a", "base": "big", "data": "both", "training": {"checkpoints": [50, 100]}},
        {"name": "b", "base": "big", "data": "both", "training": {"steps": 0}},
    ]
    changes = {"policies": {"released": [BIG]}, "rewards": {"models": models}}
    changes["rewards"]["training"] = {"seeds": 2}

    def weights(engine, name):
        (need,) = Needs(plan(search={"engine": engine, "tree": {}}, **changes)).search(name)
        return need.weights

    one = weights("transformers", "a")
    assert weights("vllm", "a") == pytest.approx(4 * one)
    assert weights("vllm", "b") == pytest.approx(2 * one)


def test_figure_9_shows_the_compared_methods_or_else_what_reward_models_learn_from():
    compared = plan().judged_labels()
    assert {method for _, _, method in compared} == {"compare"}
    learnt_from = plan(labels={"compare": {"methods": []}}).judged_labels()
    assert {method for _, _, method in learnt_from} == {"monte_carlo"}


def test_transfer_is_drawn_where_the_domains_have_different_wordings():
    assert "transfer" not in plan().figures() and "fig10" in plan().figures()
    dialects = plan(**yaml.safe_load((ROOT / "workflow/studies/dialects.yaml").read_text()))
    assert dialects.figures() == ["transfer", "table1", "controls"]
    math, code = (set(dialects.study.world.rates(domain)) for domain in ("math", "code"))
    assert len(math) == len(code) == 4 and len(math & code) == 2
    assert len(dialects.generated_problems()) == 2


def test_scores_are_kept_beside_truth_and_rollouts_where_either_is_known():
    assert "results/laptop/reliability/both-m.parquet" in plan().reliability_tables()
    labels = [f"results/laptop/labels/m/{name}.monte_carlo.parquet" for name in DOMAINS]
    assert plan().validation_labels() == labels
    no_test = plan(search={"evaluations": [], "tree": {"reward_models": []}})
    assert no_test.reliability_tables() == no_test.validation_labels() == []


def test_scores_are_calibrated_on_the_validation_problems_of_any_data_set(tmp_path):
    (tmp_path / "rows.jsonl").touch()
    published = {"name": "gsm8k", "source": "gsm8k", "path": str(tmp_path / "rows.jsonl")}
    tested = [{"policy": "m", "datasets": ["arithmetic", "gsm8k"], "samples": 16}]

    def find(calibration, validation):
        sizes = {"train": 4, "validation": validation, "test": 4}
        datasets = [{**each, "validation": validation} for each in DEFAULT["datasets"]]
        search = {"evaluations": tested, "calibration": calibration}
        each = plan(datasets=[*datasets, published | sizes], search=search)
        labelled = [s.dataset for s in each.all_samples() if s.purpose == "labelling"]
        return [dataset.name for dataset in each.validation_datasets()], "gsm8k" in labelled

    assert find("none", 5) == (["arithmetic"], False)
    assert find("platt", 5) == (["arithmetic", "gsm8k"], True)
    assert find("none", 0) == ([], False)
    with pytest.raises(UserError, match=r"search.calibration = .platt.*validation problems"):
        find("platt", 0)


def test_first_errors_are_predicted_where_they_are_known():
    assert "results/laptop/first_errors/both-m.parquet" in plan().first_error_tables()
    no_test = plan(search={"evaluations": [], "tree": {"reward_models": []}})
    assert no_test.first_error_tables() == []


def test_outcome_models_of_the_default_study_are_like_its_prms_and_may_guide_a_tree_search():
    chosen = plan(search={"tree": {"reward_models": ["both-m", "outcome-m"]}})
    for size in ("s", "m"):
        process, outcome = (
            chosen.study.reward_model(f"{kind}-{size}") for kind in ("both", "outcome")
        )
        assert (process.base, process.data) == (outcome.base, outcome.data)
        trained = [chosen.study.reward_training(each.name) for each in (process, outcome)]
        assert trained[1].supervise == "outcome" != trained[0].supervise
        alike = [each.model_dump(exclude={"supervise", "checkpoints"}) for each in trained]
        assert alike[0] == alike[1]
    guides = [model for model, _, _ in chosen.tree_searches()]
    assert guides == ["both-m", "both-m", "outcome-m", "outcome-m"]


def test_policies_run_on_vllm_on_gpus_unless_the_configuration_says_otherwise():
    released = {"released": [BIG]}
    by_hand = released | {"sampling": {"engine": "transformers"}}
    assert plan(policies=released).study.sampling.engine == "transformers"
    assert plan(device="cuda", policies=released).study.sampling.engine == "vllm"
    assert plan(device="cuda", policies=by_hand).study.sampling.engine == "transformers"
    # small heads run on few of vLLM's attention kernels, and small models gain nothing
    assert plan(device="cuda").study.sampling.engine == "transformers"


def test_a_number_format_that_the_device_chooses_is_planned_for_at_its_widest():
    changes = {"policies": {"released": [BIG]}}
    weights = memory.size(QWEN_72B).weights / 1e9
    for device, size in (("cpu", 4), ("cuda", 2)):
        (need,) = Needs(plan(device=device, **changes)).sample("big")
        assert need.weights == pytest.approx(size * weights)
