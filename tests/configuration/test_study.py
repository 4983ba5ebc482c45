"""The configuration: what is accepted, and what is said when it is not."""

from copy import deepcopy
from pathlib import Path
from typing import get_args

import pytest
import yaml

from prmscale import configuration, reference, study, tables
from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.backends import released_scorer
from prmscale.errors import UserError
from prmscale.labels.methods import METHODS
from prmscale.labels.published import READERS
from prmscale.labels.readings import READINGS
from prmscale.search import STRATEGIES, TREE_STRATEGIES
from prmscale.tasks import registry

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def with_value(path, value):
    """The default configuration with one value changed, and the text of a file that holds it."""
    config = deepcopy(DEFAULT)
    node = config
    for part in path[:-1]:
        node = node[part] if isinstance(node, list) else node.setdefault(part, {})
    node[path[-1]] = value
    return config


def complaint(config, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    with pytest.raises(UserError) as error:
        configuration.load(config, [file])
    return str(error.value)


def test_the_default_configuration_is_accepted():
    assert configuration.load(DEFAULT).study == "laptop"


@pytest.mark.parametrize(
    ("search", "analysis", "said"),
    [
        ({"tree": {"reward_models": ["both-m"]}}, {"patterns": {"reference": "m"}}, "step by step"),
        ({"tree": {"reward_models": []}}, {}, "analysis.patterns.reference"),
    ],
)
def test_recorded_solutions_are_not_asked_for_more(search, analysis, said, tmp_path):
    config = with_value(["policies", "recorded"], [{"name": "mine", "path": str(__file__)}])
    tested = {"policy": "mine", "datasets": ["arithmetic", "programs"]}
    config["search"] |= {"evaluations": [tested], **search}
    config["analysis"] = analysis
    assert said in complaint(config, tmp_path)
    config["analysis"] = {"patterns": {"reference": "m"}}
    config["search"]["tree"] = {"reward_models": []}
    assert configuration.load(config).recorded_policy("mine")


def test_keys_of_a_model_replace_those_of_all():
    config = with_value(["rewards", "models", 0, "training"], {"head": "evidence", "steps": 0})
    config["rewards"]["training"] = {"steps": 7, "batch": 5, "seeds": 3}
    loaded = configuration.load(config)
    first, second = (
        loaded.reward_training(name) for name in (loaded.rewards.models[0].name, "oracle-m")
    )
    assert (first.head, first.steps, first.batch, first.seeds) == ("evidence", 0, 5, 3)
    assert second == loaded.rewards.training and second.steps == 7


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["polices"], {}, ["polices", "no such key", "Did you mean 'policies'?"]),
        (
            ["rewards", "training", "stepz"],
            3,
            ["rewards.training.stepz = 3", "Did you mean 'steps'?"],
        ),
        (
            ["rewards", "models", 0, "training"],
            {"stepz": 3},
            ["models[0].training.stepz = 3", "Did you mean 'steps'?"],
        ),
        (
            ["rewards", "models", 0, "training"],
            {"head": "linear"},
            ["models[0].training.head", "'scalar'", "linear"],
        ),
        (
            ["rewards", "models", 0, "training"],
            {"seeds": 2},
            ["rewards.models[0]", "trained equally often"],
        ),
        (["labels", "rollouts"], "many", ["labels.rollouts", '"many"', "integer"]),
        (["labels", "rollouts"], "4", ["labels.rollouts", '"4"', "integer"]),
        (
            ["search", "tree"],
            {"reward_models": ["m"]},
            ["search.tree.reward_models[0]", "Possible: both-xxs"],
        ),
        (["labels", "rollouts"], 0, ["labels.rollouts = 0", "greater than or equal to 1"]),
        (["device"], "tpu", ["device", "'cpu' or 'cuda'"]),
        (["labels", "policy"], "mm", ["labels.policy", "refers to nothing", "Possible: xxs"]),
        (
            ["analysis", "patterns"],
            {"reference": "mm"},
            ["analysis.patterns.reference", "Possible: xxs"],
        ),
        (["rewards", "models", 2, "base"], "m@33", ["rewards.models[2].base", "m@33", "m@30"]),
        (
            ["rewards", "models", 0, "data"],
            "bth",
            ["rewards.models[0].data", "Did you mean 'both'?"],
        ),
        (
            ["rewards", "data", 0, "datasets", 1],
            "code",
            ["rewards.data[0].datasets[1]", "programs"],
        ),
        (
            ["search", "strategies"],
            ["best_of_m"],
            ["search.strategies[0]", "Did you mean 'best_of_n'?"],
        ),
        (
            ["search", "strategies"],
            ["best_of_n", "calibrated_majority"],
            ["search.strategies[1]", "search.calibration is none", "platt or isotonic"],
        ),
        (
            ["search", "aggregations"],
            ["minimum"],
            ["search.aggregations[0]", "'last', 'min'", "Did you mean 'min'?"],
        ),
        (
            ["policies", "pretraining", "checkpoints"],
            [50],
            ["policies.pretraining", "end with 100"],
        ),
        (
            ["policies", "pretraining", "ladder", 0, "heads"],
            5,
            ["ladder[0]", "even multiple of heads 5"],
        ),
        (
            ["world", "misreading_rates"],
            {"less_than": 1.5},
            ["world.misreading_rates.less_than = 1.5", "1"],
        ),
        (["datasets", 1, "name"], "arithmetic", ["arithmetic", "used twice"]),
        (["datasets", 0, "train"], 0, ["rewards.data", "no train problems"]),
        (["code_execution", "sandbox"], "none", ["code_execution.sandbox", "unprotected"]),
        (["datasets", 0, "path"], "none.jsonl", ["datasets[0].path", "arithmetic is generated"]),
        (
            ["corpora"],
            [{"name": "x", "source": "prm800k", "path": "none.jsonl"}],
            ["corpora[0].path", "no such file"],
        ),
        (
            ["policies", "released"],
            [{"name": "x", "model": "./none"}],
            ["released[0].model", "no such folder"],
        ),
        (
            ["search", "evaluations"],
            [{"policy": "m", "datasets": ["programs"] * 2}],
            ["m on programs", "twice"],
        ),
        (
            ["search", "evaluations", 0, "reward_models"],
            ["both-m"],
            ["search.evaluations[0].reward_models", "the first policy's solutions"],
        ),
        (
            ["search", "evaluations", 1, "reward_models"],
            ["both"],
            ["search.evaluations[1].reward_models[0]", "Did you mean 'both-"],
        ),
        (
            ["policies", "recorded"],
            [{"name": "x", "path": "none.jsonl"}],
            ["policies.recorded[0].path", "no such file"],
        ),
        (
            ["policies", "released"],
            [{"name": "x", "model": "a/b", "config": {"hidden_size": 8}}],
            ["released[0]", "tell a model's size"],
        ),
        (
            ["search", "first_errors"],
            {"process_bench": [{"subset": "gsm8k", "path": "none/{split}"}]},
            ["first_errors.process_bench[0].path", "no such file"],
        ),
        (
            ["rewards", "data", 0, "wordings"],
            ["less"],
            ["data[0].wordings[0]", "Did you mean 'less_than'?"],
        ),
        (
            ["rewards", "data", 0, "policies"],
            ["m", "ss"],
            ["rewards.data[0].policies[1]", "refers to nothing"],
        ),
        (
            ["rewards", "data", 4, "policies"],
            ["m", "s", "s@30", "l"],
            ["rewards.data[4]", "a multiple of its 4"],
        ),
        (
            ["rewards", "data", 0, "per_problem"],
            7,
            ["rewards.data[0]", "4800 must be a multiple of 14"],
        ),
        (
            ["rewards", "data", 1, "threshold"],
            0.5,
            ["rewards.data[1]", "threshold is for labels: monte_carlo"],
        ),
        (
            ["labels", "decision"],
            {"adaptive": {"confidence": 0.8}},
            ["decision.adaptive.threshold", "is required"],
        ),
        (["datasets", 0, "steps"], "block", ["datasets[0]", "block is a rule for code"]),
        (
            ["policies", "released"],
            [{"name": "x", "model": "a/b", "prompting": {"steps": {"math": "function"}}}],
            ["released[0].prompting", "function is a rule for code"],
        ),
        (
            ["policies", "released"],
            [{"name": "x", "model": "a/b", "prompting": {"style": "plain", "system": "Be brief."}}],
            ["released[0].prompting", "set style: chat"],
        ),
        (["search", "budgets"], [1, 128], ["search.budgets", "128", "16"]),
    ],
)
def test_a_fault_names_key_value_candidates_and_place(path, value, said, tmp_path):
    message = complaint(with_value(path, value), tmp_path)
    for part in said:
        assert part in message
    assert "mine.yaml" in message


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            ["policies", "released"],
            [{"name": "x", "model": "a/b", "prompting": {"dtype": "bfloat16"}}],
            'released[0].prompting.dtype = "bfloat16": this key is now policies.released[0].dtype.',
        ),
        (
            ["policies", "released"],
            [{"name": "x", "model": "a/b", "prompting": {"revision": "main"}}],
            "this key is now policies.released[0].revision.",
        ),
        (
            ["policies", "released"],
            [{"name": "x", "model": "a/b", "prompting": {"template": {"thinking": False}}}],
            "this key is now policies.released[0].prompting.chat_template.",
        ),
        (
            ["labels", "decision"],
            {"threshold": 0.3},
            "labels.decision.threshold = 0.3: this key is now labels.decision.METHOD.threshold",
        ),
        (
            ["labels", "decision"],
            {"confidence": 0.8},
            "this key is now labels.decision.METHOD.confidence",
        ),
        (
            ["rewards", "models", 3, "checkpoints"],
            [50, 100],
            "this key is now rewards.models[3].training.checkpoints.",
        ),
        (["search", "tree"], {"trees": 2}, "this key is now search.tree.saved_trees."),
        (["analysis", "draws"], 500, "this key is now analysis.permutations."),
    ],
)
def test_an_old_key_is_answered_with_the_new_one(path, value, said, tmp_path):
    assert said in complaint(with_value(path, value), tmp_path)


@pytest.mark.parametrize(
    ("declared", "implemented"),
    [
        (study.Strategy, STRATEGIES),
        (study.TreeStrategy, TREE_STRATEGIES),
        (study.Aggregation, AGGREGATIONS),
        (study.PrmFormat, released_scorer.FORMATS),
        (study.CorpusSource, READERS),
    ],
)
def test_declared_names_are_those_that_are_implemented(declared, implemented):
    assert get_args(declared) == tuple(implemented)


def test_declared_label_methods_are_those_that_are_implemented():
    # omega grows trees; readings are of stored labels; oracle is the truth
    assert {*get_args(study.LabellerMethod)} == {*METHODS, "omega"} >= {*study.READS.values()}
    assert {*get_args(study.Reading)} == study.READS.keys() == {*READINGS, "denoised"}
    assert {*get_args(study.LabelMethod)} == {*METHODS, "omega", *study.READS, "oracle"}


@pytest.mark.parametrize("source", get_args(study.Source))
def test_every_declared_source_has_a_task(source):
    dataset = study.Dataset(name="x", source=source)
    assert registry.build(dataset, study.World(), study.CodeExecution()) is not None


def test_a_fault_names_the_line_of_the_file_that_sets_it(tmp_path):
    base, overlay = tmp_path / "base.yaml", tmp_path / "overlay.yaml"
    base.write_text(yaml.safe_dump(DEFAULT))
    overlay.write_text("study: mine\nlabels:\n  rollouts: none\n")
    with pytest.raises(UserError, match=r"overlay\.yaml:3: labels\.rollouts"):
        configuration.load(with_value(["labels", "rollouts"], "none"), [base, overlay])


def test_a_fault_in_a_list_is_placed_where_the_topmost_file_has_the_list(tmp_path):
    base, overlay = tmp_path / "base.yaml", tmp_path / "overlay.yaml"
    base.write_text(yaml.safe_dump(DEFAULT))
    overlay.write_text("study: mine\nrewards:\n  models:\n    - {name: one, base: m}\n")
    with pytest.raises(
        UserError, match=r"overlay\.yaml:4: rewards\.models\[0\]\.data: this key is required"
    ):
        configuration.load(
            with_value(["rewards", "models"], [{"name": "one", "base": "m"}]), [base, overlay]
        )


def test_a_stored_configuration_can_be_read_again():
    loaded = configuration.load(with_value(["rewards", "models", 0, "training"], {"steps": 7}))
    assert configuration.load(loaded.model_dump(mode="json")) == loaded


def test_every_fault_is_listed_at_once(tmp_path):
    config = with_value(["labels", "rollouts"], 0)
    config["nonsense"] = 1
    message = complaint(config, tmp_path)
    assert "rollouts" in message and "nonsense" in message


def test_every_key_is_described():
    def bare(schema):
        for name, block in {"": schema, **schema.get("$defs", {})}.items():
            for key, value in block.get("properties", {}).items():
                if "description" not in value and "$ref" not in value:  # a block describes itself
                    yield f"{name}.{key}"

    assert list(bare(study.Study.model_json_schema())) == []


def test_the_schema_for_editors_is_that_of_the_code():
    file = ROOT / "workflow/schemas/config.schema.json"
    assert file.read_text() == study.schema(), "run `make schema`"


@pytest.mark.parametrize(("file", "describe"), reference.FILES.items())
def test_the_reference_is_that_of_the_code(file, describe):
    assert (ROOT / file).read_text(encoding="utf-8") == describe(), "run `make schema`"


def test_the_reference_names_every_kind_of_table():
    assert {place.kind for place in reference.PLACES} - {""} == set(tables.SCHEMAS)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "workflow/studies").glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_study_is_accepted(file):
    from snakemake.utils import update_config

    # BASE_CUT.yaml is laid over BASE.yaml; the laptop study is config.yaml alone
    layers = dict.fromkeys([file.with_stem(file.stem.split("_")[0]), file])
    files = [layer for layer in layers if layer.stem != "laptop"]
    config = deepcopy(DEFAULT)
    for each in files:
        update_config(config, yaml.safe_load(each.read_text()))
    assert configuration.load(config, [ROOT / "config.yaml", *files]).study == file.stem
