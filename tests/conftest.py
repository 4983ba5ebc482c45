"""What all tests share."""

import os
from contextlib import suppress

import pytest
from needs import summarise_skipped
from pipeline import SMOKE, copy_project, snakemake

os.environ.setdefault(
    "HF_HUB_OFFLINE", "1"
)  # no test reaches a hub: a missing model is missed at once
os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # tiny models are fastest on one thread, and other tests run beside
with suppress(ImportError):  # the environment of vLLM has no hypothesis
    from hypothesis import settings

    # how long an example takes says how busy the machine is; the same examples in every run
    settings.register_profile("untimed", deadline=None, derandomize=True)
    settings.load_profile("untimed")


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A copy of the project in which the smoke study has run."""
    folder = copy_project(tmp_path_factory.mktemp("project"))
    done = snakemake(folder, *SMOKE)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def pytest_terminal_summary(terminalreporter):
    """Say what to install for the tests that were skipped."""
    skipped = terminalreporter.stats.get("skipped", [])
    for line in summarise_skipped([report.longrepr[2] for report in skipped]):
        terminalreporter.write_line(line)


# modules that take more than five seconds: `make quick` leaves them out
SLOW = {
    *("test_answers", "test_attacks", "test_benchmarks", "test_contests", "test_replies"),
    *("test_heads", "test_corpora", "test_training", "test_first_error", "test_released"),
    *("test_search_rules", "test_strategies", "test_estimates", "test_patterns", "test_spending"),
    *("test_tradeoff", "test_claims", "test_checks", "test_figures", "test_cost", "test_start"),
    *("test_growth", "test_label_costs", "test_page", "test_sandbox", "test_tree_search"),
    *("test_votes", "test_accept", "test_submission", "test_fetch"),
}


def pytest_collection_modifyitems(items):
    """Mark the tests of slow modules."""
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker(pytest.mark.slow)
