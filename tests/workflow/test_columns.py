"""Every file that a study writes has the columns or keys that results/README.md describes."""

import re
import shutil

import numpy as np
import pytest
from described import allows_keys, list_undescribed, read_header
from pipeline import ROOT
from scripted import problem

from prmscale.columns import CSV_FILES, JSON_FILES, SHARED
from prmscale.configuration import load_files
from prmscale.cost import machines
from prmscale.cost.__main__ import project
from prmscale.figures import FIGURES
from prmscale.reference import describe_results
from prmscale.rewards.examples import Example
from prmscale.rewards.facts import Facts
from prmscale.rewards.metrics import metrics
from prmscale.study import World
from prmscale.tasks.world.corpus import card

LAPTOP = ROOT / "docs/laptop"
# of two files with one name the first: the table `transfer`, not the figure
BY_NAME = {file.name: file for file in reversed(CSV_FILES)}


@pytest.mark.parametrize("path", sorted(LAPTOP.glob("*.csv")), ids=lambda path: path.name)
def test_a_finished_study_has_the_columns_described(path):
    file, header = BY_NAME[path.stem], read_header(path)
    assert file.allows(header), f"prmscale.columns describes {file.columns}, not {header}"
    # optional columns exist as well
    assert {name for name in file.names if name.islower()} <= set(header)


def test_every_csv_file_of_a_study_is_described():
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    written = set(re.findall(r'result\("(tables/\w+\.csv)"\)', rules))
    written |= {f"tables/{name}.csv" for name in re.findall(r'=table\("(\w+)"\)', rules)}
    written |= {f"figures/{name}.csv" for name in FIGURES}
    elsewhere = {"tables/cost.csv", "rewards/MODEL/replicateR/metrics.csv"}
    assert {file.path for file in CSV_FILES} == written | elsewhere


def test_every_column_has_one_meaning_in_each_file_and_none_is_explained_in_vain():
    used = {file.find_shared(name) for file in CSV_FILES for name in file.names}
    assert used - {""} == SHARED.keys()
    for file in CSV_FILES:
        assert file.meanings.keys() <= set(file.names), file.path


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        (lambda header: header, True),
        (lambda header: [*header, "new"], False),
        (lambda header: ["policy", *header[1:]], False),
        (lambda header: header[1:], False),
        (lambda header: [name for name in header if not name.startswith("right_")], True),
    ],
)
def test_a_column_that_is_not_described_is_found(change, allowed, tmp_path):
    header = read_header(LAPTOP / "training_sets.csv")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/training_sets.csv").write_text(",".join(change(header)) + "\n")
    assert list_undescribed(tmp_path) == ([] if allowed else ["tables/training_sets.csv"])


def test_files_of_a_whole_study_are_told_apart_by_their_folders(tmp_path):
    for name in ("fig1", "claims"):
        folder = tmp_path / ("tables" if name == "claims" else "figures")
        folder.mkdir()
        shutil.copy(LAPTOP / f"{name}.csv", folder)
    (tmp_path / "figures/claims.csv").write_text("a,b\n")
    (tmp_path / "solutions/m").mkdir(parents=True)
    speed = tmp_path / "solutions/m/a.search.speed.json"
    speed.write_text('{"policy": "m", "dataset": "a", "seconds_per_token": 1.0}')
    assert list_undescribed(tmp_path) == ["figures/claims.csv"]
    speed.write_text('{"seconds": 1.0}')
    assert "solutions/m/a.search.speed.json" in list_undescribed(tmp_path)


def test_metrics_along_training_have_the_columns_described():
    right, wrong = (
        Example(problem(), i, ("a",), np.array([i]), np.array([i]), correct=bool(i))
        for i in (1.0, 0.0)
    )
    measured = metrics([right, wrong], [np.array([0.9]), np.array([0.1])])
    assert BY_NAME["metrics"].allows(["training_step", "flops", *measured])
    assert BY_NAME["metrics"].allows(["training_step", "flops"])


def test_projected_costs_have_the_columns_described():
    table = project(load_files([ROOT / "config.yaml"]), machines.gpu("h100"))
    assert BY_NAME["cost"].allows(list(table))


@pytest.mark.parametrize("released", [None, {"model": "m"}])
def test_facts_of_reward_models_have_the_keys_described(released):
    facts = Facts("a", "m", "math", "oracle", released=released)
    described = JSON_FILES["rewards/MODEL/replicateR/reward_model.json"]
    assert allows_keys(described, facts.to_json())


def test_the_card_of_generated_problems_has_the_keys_described():
    assert allows_keys(JSON_FILES["problems/corpus.json"], card(World(), sample=1))


def test_the_page_is_readable():
    assert len(describe_results().splitlines()) <= 500
