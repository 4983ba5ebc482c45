"""The memory that jobs ask for follows the number of problems."""

from pathlib import Path

import pytest
from pipeline import ROOT

from prmscale import configuration
from prmscale.plan.holdings import Holdings
from prmscale.plan.plan import Plan


def holdings(tmp_path: Path, test: int, train: int = 24) -> Holdings:
    """Those of the smoke study with so many problems."""
    sizes = f"train: {train}, validation: 8, test: {test}"
    names = ("arithmetic", "programs")
    lines = [f"- {{name: {name}, source: {name}, {sizes}}}" for name in names]
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("\n".join(["datasets:", *lines]))
    files = [ROOT / "config.yaml", ROOT / "workflow/studies/smoke.yaml", overlay]
    return Holdings(Plan(configuration.load_files(files)))


def test_a_small_study_asks_for_what_programs_need(tmp_path: Path) -> None:
    small = holdings(tmp_path, 12)
    found = [small.searches(4000), small.tests(4000, "both-s"), small.labels(2000)]
    assert [*found, small.problems(2000)] == [4000, 4000, 2000, 2000]
    # with these options the smoke study's tables have 1,728 and 2,304 rows
    assert (small.scored_rows("both-s"), small.scored_rows("both-m")) == (1728, 2304)


@pytest.mark.parametrize("kind", ["searches", "tests", "labels", "problems"])
def test_ten_times_the_problems_need_ten_times_the_memory(tmp_path: Path, kind: str) -> None:
    less, more = (
        getattr(holdings(tmp_path, count, count), kind)(0) for count in (100_000, 1_000_000)
    )
    assert more / less == pytest.approx(10, rel=0.3) and more > 10_000
