"""The table of figures: it names every module and the files that the module reads, and is light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import simulated
import simulated_steps

from prmscale import figures, study
from prmscale.analysis.verdicts import Rules
from prmscale.errors import UserError
from prmscale.figures import FIGURES, style
from prmscale.results import Results

KINDS = {"reward_models": "rewards", "training": "rewards"}  # tables that are called otherwise
TABLES = {"search", "scores", "first_errors", "patterns", "labels", "spending", "problems", *KINDS}
TABLES |= {"granularity", "reliability"}
MODELS = simulated.prms()
RULES = Rules(smallest_effects={"math_to_code": 0.1}, aggregation="min")
TOY = '''"""Toy figure: problems of each data set."""

from matplotlib.figure import Figure


def draw(results, rules):
    counts = results.search.groupby("dataset", as_index=False)["problem_id"].nunique()
    figure = Figure()
    figure.subplots().bar(counts["dataset"], counts["problem_id"])
    return figure, counts
'''


def test_the_configuration_accepts_the_figures_of_the_registry() -> None:
    assert sorted(study.FIGURES) == sorted(FIGURES)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_caption_begins_with_the_figures_name(figure: str) -> None:
    name = figure.replace("fig", "Figure ").replace("table", "Table ").capitalize()
    assert figures.caption(figure).startswith(f"{name}: ")


def test_the_registry_and_the_captions_need_no_matplotlib() -> None:
    code = "import sys; from prmscale.figures import caption; caption('fig1'); print(*sys.modules)"
    modules = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert not {"matplotlib", "pandas"} & set(modules)


class Recording(Results):
    """Results that note the kinds of files whose tables a figure reads."""

    def __getattribute__(self, name: str) -> Any:
        if name in TABLES:
            self.kinds.add(KINDS.get(name, name))
        return super().__getattribute__(name)

    def read_reported(self, name: str) -> pd.DataFrame | None:
        self.kinds.add("reported")
        return super().read_reported(name)


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_reads_what_the_registry_says(figure: str) -> None:
    results = Recording(
        kinds=set(),
        search=simulated.search(MODELS, problems=5, seeds=2),
        reward_models=simulated.reward_models(MODELS, seeds=2),
        training=simulated.training(MODELS, 2),
        first_errors=simulated.first_errors(MODELS, problems=5, seeds=2),
        reliability=simulated_steps.reliability([m.name for m in MODELS], problems=5, seeds=2),
    )
    try:
        figures.draw(figure, results, RULES)
    except UserError:  # these results have no tree searches, step scores or labels
        assert results.kinds
    assert results.kinds <= set(FIGURES[figure])


def test_a_figure_is_a_module_and_a_line_of_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.setattr(figures, "__path__", [*figures.__path__, str(tmp_path)])
    monkeypatch.setitem(FIGURES, "toy", ("search",))
    results = Results(search=simulated.search(MODELS, problems=5))
    paths = style.save(*figures.draw("toy", results, RULES), tmp_path / "toy")
    assert pd.read_csv(paths[-1])["problem_id"].tolist() == [5, 5]
