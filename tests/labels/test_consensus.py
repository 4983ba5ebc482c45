"""The consensus filter beside its own search: one set of labels for both, and the contrast that
shows the filter.
"""

import re

import pandas as pd
import pytest
from pipeline import ROOT, snakemake
from simulated import Prm, reward_models, search

from prmscale.analysis.verdicts import Rules
from prmscale.claims import data_diversity
from prmscale.claims.findings import Findings
from prmscale.results import Results

RULES = Rules(smallest_effects={"math_to_code": 0.05}, aggregation="min")


def contrasts(filtered, unfiltered=4800):
    """The rows that compare PRMs with labels of one search, filtered by a consensus and not."""
    sets = [
        ("monte_carlo", 0.5, 4800),
        ("binary_search", 1.0, unfiltered),
        ("consensus", filtered, 4800),
    ]
    models = [
        Prm(f"prm_{labels}", "s96", "both", labels, lambda d, q=quality: q, solutions=solutions)
        for labels, quality, solutions in sets
    ]
    rows = search(models, problems=300, seeds=5)
    results = Results(search=rows, reward_models=reward_models(models, seeds=5))
    found = Findings(data_diversity.judge(results, RULES)).tables()["claims"]
    return found[found.contrast == "filter"]


@pytest.mark.parametrize(("filtered", "adds"), [(1.0, False), (2.5, True)])
def test_the_filter_is_judged_by_what_it_adds_to_its_own_search(filtered, adds):
    """Better than Monte-Carlo labels it is in both cases, as the search alone would be."""
    found = contrasts(filtered)
    assert len(found) == 2 and {verdict == "supported" for verdict in found.verdict} == {adds}
    assert found.metric.str.contains("4,800 solutions").all()


def test_sets_of_different_sizes_do_not_tell_of_the_filter():
    assert contrasts(2.5, unfiltered=9600).empty


@pytest.mark.study
@pytest.mark.parametrize(
    ("study", "writer", "other", "made_by"),
    [
        ("desk", "m", "l", "label_solutions"),
        ("paper", "qwen2.5-coder-7b", "", "merge_labels"),  # of several jobs
    ],
)
def test_a_consensus_takes_the_labels_of_its_writers_own_search(study, writer, other, made_by):
    """No rollout is drawn twice: the unfiltered set and the filter read one table, and other
    labellers add theirs.
    """
    done = snakemake(
        ROOT, "-n", "--forceall", "--nolock", "--configfile", f"workflow/studies/{study}.yaml"
    )
    found = re.findall(r"(?:^|\n)rule (\w+):\n    input: (.*)\n    output: (.*)", done.stdout)
    jobs = pd.DataFrame(found, columns=["name", "reads", "makes"])
    filters = jobs[jobs.name == "read_labels"]
    assert filters.reads.str.count(f"labels/{writer}/[a-z0-9]+.binary_search.parquet").tolist() == [
        1,
        1,
    ]
    assert filters.reads.str.contains(rf"\.by\.{other}[\w.-]*\.parquet").all()
    searches = jobs[jobs.makes.str.contains("binary_search.parquet")]
    assert len(searches) == 2 and set(searches.name) == {made_by}
    trained = jobs[
        (jobs.name == "train_reward_model") & jobs.reads.str.contains("binary_search.parquet")
    ]
    assert len(trained) == 1
