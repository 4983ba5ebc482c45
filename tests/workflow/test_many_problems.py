"""More problems: the same numbers, and no more of them in memory at once than a part or a shard."""

import pandas as pd
import pyarrow.parquet as pq
import pytest
import simulated
from judged import RULES, results
from scripted import CoinPolicy, HashScorer, grade, problem

from prmscale import tables
from prmscale.analysis import contamination
from prmscale.claims.findings import judge_claims
from prmscale.engines.recorded import RecordedPolicy
from prmscale.engines.requests import Extension
from prmscale.explorer.data import Tables, describe
from prmscale.policies.sample import solution_table
from prmscale.search import benchmarks, evaluate
from prmscale.study import CodeExecution, World
from prmscale.tasks.base import Grade, to_table
from prmscale.tasks.registry import Grader
from prmscale.tasks.world.arithmetic import Arithmetic


def copy(table, times):
    """The rows of a table several times, each time of other problems."""
    copies = [table.assign(problem_id=table["problem_id"] + f"x{n}") for n in range(times)]
    return pd.concat(copies, ignore_index=True)


def test_copies_of_all_problems_change_no_estimate():
    models = [*simulated.prms(own=0.55, other=0.5), *simulated.diverse(lambda wordings: wordings)]
    search, facts = simulated.search(models, 40, seeds=2), simulated.reward_models(models, 2)
    once, often = (judge_claims(results(rows, facts), RULES) for rows in (search, copy(search, 10)))
    measured = [claim for claim in once if claim.n]
    assert len(measured) > 10
    for one, ten in zip(measured, [claim for claim in often if claim.n], strict=True):
        assert (ten.claim, ten.n) == (one.claim, 10 * one.n)
        assert ten.effect == pytest.approx(one.effect), one.metric


def test_a_table_is_the_same_however_its_rows_come(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "GROUP", 4)
    row = dict.fromkeys(tables.SCHEMAS["spending"], 1) | {"method": "m"}
    table = pd.DataFrame([row | {"problem_id": str(n)} for n in range(10)])
    files = [tmp_path / "whole", tmp_path / "parts"]
    tables.write(table, files[0], "spending")
    tables.write_parts([table[:1], table[1:1], table[1:9], table[9:]], files[1], "spending")
    assert files[0].read_bytes() == files[1].read_bytes()
    facts = pq.ParquetFile(files[0]).metadata
    assert [facts.row_group(n).num_rows for n in range(facts.num_row_groups)] == [4, 4, 2]
    pd.testing.assert_frame_equal(tables.read(files[0], "spending"), table)
    some = tables.read(files[0], "spending", problems=["7", "2"])
    assert some["problem_id"].tolist() == ["2", "7"]
    assert tables.read(files[0], "spending", problems=[]).empty


def test_training_problems_are_compared_in_parts(monkeypatch):
    def problems(dataset, count, step):
        prompts = [" ".join(map(str, range(n, n + 8))) for n in range(0, count * step, step)]
        return pd.DataFrame({"dataset": dataset, "prompt": prompts})

    train, test = problems("a", 30, 3), problems("t", 20, 5)
    whole = contamination.table(train, test, n=6)
    # runs of 8 words that begin 3 apart and 5 apart share 6 words if they begin at most 2 apart
    shared = sum(any(abs(a - b) <= 2 for a in range(0, 90, 3)) for b in range(0, 100, 5))
    assert whole.loc[0, ["exact", "ngram"]].tolist() == [6, shared]
    monkeypatch.setattr(contamination, "PART", 7)
    pd.testing.assert_frame_equal(contamination.table(train, test, n=6), whole)


class Counting(HashScorer):
    """A scorer that notes how many problems it is asked about at once."""

    most = 0

    def score(self, items, progress=None):
        self.most = max(self.most, len({problem.problem_id for problem, _ in items}))
        return super().score(items, progress)


def test_a_search_runs_some_problems_at_once(monkeypatch):
    problems = [problem(number) for number in range(7)]
    written = CoinPolicy().extend([Extension(each, (), 4, 0, "end") for each in problems])
    policy = RecordedPolicy(solution_table("m", grade, problems, written))

    def search(together):
        monkeypatch.setattr(evaluate, "TOGETHER", together)
        scorer = Counting()
        engines = evaluate.Engines(policy, scorer, grade)
        strategies = ["best_of_n", "weighted_best_of_n"]
        rows = evaluate.evaluate(problems, engines, strategies, ["min", "last"], [1, 4])
        return rows, scorer.most

    (whole, all_problems), (parts, some) = search(2000), search(3)
    assert (all_problems, some) == (7, 3)
    pd.testing.assert_frame_equal(parts, whole)


def test_a_grader_forgets_what_it_was_not_given():
    asked = []

    class Task:
        def grade(self, problems, texts):
            asked.extend(text.strip() for text in texts)
            return [Grade(text, True) for text in texts]

    given = {("toy/test/00001", ("a",)): Grade("a", False)}
    grader, one = Grader({"toy": Task()}, given), problem(1)
    for _ in range(2):
        grader([one, one], [("a",), ("b",)])
    assert asked == ["b"]
    grader.forget()
    grader([one, one], [("a",), ("b",)])
    assert asked == ["b", "b"]
    grader.forget({})
    grader([one], [("a",)])
    assert asked == ["b", "b", "a"]


def test_the_explorer_shows_the_first_problems_and_tells_of_all(tmp_path):
    problems = Arithmetic("arithmetic", World()).load("test", 12, seed=0)
    written = CoinPolicy().extend([Extension(each, (), 2, 0, "end") for each in problems])
    tables.write(to_table(problems), tmp_path / "problems", "problems")
    tables.write(solution_table("m", grade, problems, written), tmp_path / "s", "solutions")
    plan = {"policy": "m", "problems": tmp_path / "problems", "samples": 2}
    plan["dataset"] = {"name": "arithmetic", "source": "arithmetic", "test": 12}

    def show(most):
        (test,) = benchmarks.load([plan], [tmp_path / "s"], World(), CodeExecution(), "test", most)
        empty = {name: tables.join([], name) for name in ("search", "labels", "trees")}
        read = Tables(**empty, scores=tables.join([], "solution_scores"))
        return test, describe([("test", test)], read, {})["sets"][0]

    test, shown = show(5)
    assert (len(test.problems), len(test.solutions), shown["total"]) == (5, 10, 12)
    assert shown["problems"]["ids"] == [each.problem_id[-5:] for each in problems[:5]]
    assert "total" not in show(12)[1] and "total" not in show(None)[1]
