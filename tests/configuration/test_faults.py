"""Faulty configurations: one run reports every fault that can be known, and none that follows."""

from pathlib import Path

import pytest
import yaml
from snakemake.cli import parse_config
from snakemake.utils import update_config

from prmscale import configuration
from prmscale.errors import UserError

CASES = yaml.safe_load(
    (Path(__file__).parents[1] / "cases/faulty_overlays.yaml").read_text(encoding="utf-8")
)


def list_faults(folder, overlay, command_line=None):
    """The lines of the faults of an overlay of the base configuration."""
    files = [folder / "base.yaml", folder / "overlay.yaml"]
    config = {}
    for file, text in zip(files, (CASES["base"], overlay), strict=True):
        file.write_text(text, encoding="utf-8")
        update_config(config, yaml.safe_load(text) or {})
    update_config(config, command_line or {})
    try:
        configuration.load(config, files, command_line)
    except UserError as error:
        lines = str(error).replace(f"{folder}/", "").splitlines()
        return [line.strip() for line in lines[1:]]
    return []


def test_the_base_is_accepted(tmp_path):
    assert list_faults(tmp_path, "") == []


@pytest.mark.parametrize("case", CASES["overlays"], ids=lambda case: case["name"])
def test_exactly_the_faults_of_an_overlay_are_reported(case, tmp_path):
    found = list_faults(tmp_path, case["yaml"])
    assert len(found) == len(case["faults"]), found
    for line, start in zip(found, case["faults"], strict=True):
        assert line.startswith(start)


EXPONENTS = """
policies: {pretraining: {learning_rate: 1e-3, tokens: 1E6}}
cost: {solution_tokens: {math: 6.5e1}}
labels: {policy: m, rollouts: 8e0}
"""


def test_numbers_with_an_exponent_are_read_as_everybody_writes_them(tmp_path):
    config = yaml.safe_load(CASES["base"])
    update_config(config, yaml.safe_load(EXPONENTS))
    study = configuration.load(config)
    settings = study.policies.pretraining
    assert (settings.learning_rate, settings.tokens) == (0.001, 1_000_000)
    assert study.cost.solution_tokens["math"] == 65.0 and study.labels.rollouts == 8


def test_blocks_of_the_command_line_hold_numbers_and_truth_values():
    given = parse_config(
        ["labels={rollouts: 5}", "policies={sampling: {temperature: 0.5}}", "budgets=[1, 2]"]
    )
    budgets = given.pop("budgets")
    given["search"] = {"budgets": budgets, "tree": {"expansion": "3"}}
    config = yaml.safe_load(CASES["base"])
    update_config(config, given)
    study = configuration.load(config, command_line=given)
    assert study.labels.rollouts == 5 and study.policies.sampling.temperature == 0.5
    assert study.search.budgets == [1, 2] and study.search.tree.expansion == 3


def test_a_value_of_the_command_line_is_placed_there(tmp_path):
    found = list_faults(tmp_path, "seed: 3\nlabels: {rollouts: no}\n", {"seed": "x"})
    assert [line.split(" = ")[0] for line in found] == [
        "--config: seed",
        "overlay.yaml:2: labels.rollouts",
    ]


def test_a_configuration_in_json_with_tabs_is_placed_in_its_file(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text('{\n\t"seed": "x"\n}')
    with pytest.raises(UserError, match=r"mine\.json: seed = "):
        configuration.load({"seed": "x"}, [file])


def test_a_list_that_holds_itself_is_a_fault(tmp_path):
    assert list_faults(tmp_path, "datasets: &a [*a]\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"labels:\n\trollouts: 4\n", r"mine\.yaml:2:1: not valid YAML"),
        (b"- a\n", "holds a list"),
        (b"text", "holds a str"),
        (b"\x80\x02\xff\x00", r"mine\.yaml: not valid YAML.*text file in UTF-8"),
        (b"a\x00b", r"mine\.yaml: not valid YAML"),
        (b"study: 2024-13-45\n", r"mine\.yaml: not valid YAML.*month.*in quotes"),
        (b"? [a]\n: b\n", r"mine\.yaml:1:\d+: not valid YAML"),
        (b"a: *b\n", r"mine\.yaml:1:\d+: not valid YAML.*undefined alias"),
        (b"a: !!python/object:os.system {}\n", r"mine\.yaml:1:\d+: not valid YAML"),
        (b"a: " + b"[" * 5000, r"mine\.yaml.*not valid YAML"),
        (b"a: 1\n---\nb: 1\n", r"mine\.yaml:2:\d+: not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(content, message, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        configuration.read_yaml(file)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_named(name, tmp_path):
    with pytest.raises(UserError, match="cannot be read: "):
        configuration.read_yaml(tmp_path / name)


def test_an_empty_file_has_no_keys(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("# nothing yet\n")
    assert configuration.read_yaml(file) == {}
