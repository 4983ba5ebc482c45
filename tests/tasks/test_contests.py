"""Contest problems and unit-tested functions: rows made up in exactly the published formats, and
their verdicts.
"""

import json

import pyarrow
import pyarrow.parquet
import pytest
from contest_rows import (
    ADDS,
    APPS_ROW,
    BIGCODE_ROW,
    CONTEST_ROW,
    EXECUTION,
    HUMANEVALPLUS_ROW,
    LCB_CALL_ROW,
    LCB_ROW,
    MBPPPLUS_ROW,
    SUMS,
    TACO_ROW,
    load,
    pack,
)
from needs import boxed

from prmscale.errors import UserError
from prmscale.study import CodeExecution
from prmscale.tasks.base import from_table, to_table
from prmscale.tasks.benchmarks import sources
from prmscale.tasks.benchmarks.bigcodebench import BigCodeBench
from prmscale.tasks.benchmarks.competitions import APPS, TACO, CodeContests
from prmscale.tasks.benchmarks.humaneval_mbpp import MBPP, HumanEvalPlus, MBPPPlus
from prmscale.tasks.benchmarks.livecodebench import LiveCodeBench


def verdicts(task, problem, *texts):
    return [grade.correct for grade in task.grade([problem] * len(texts), texts)]


@boxed
@pytest.mark.parametrize(
    ("kind", "row", "right", "wrong"),
    [
        (
            TACO,
            TACO_ROW,
            ["```python\n" + SUMS + "\n```", ADDS + "\nexit()"],
            ["print(3)", ADDS + "\n1 / 0"],
        ),
        (
            APPS,
            APPS_ROW,
            ["def twice(a):\n    return [x + x for x in a]"],
            ["def twice(a):\n    return [a]"],
        ),
        (
            CodeContests,
            CONTEST_ROW,
            [SUMS.replace("print(", "print(1e-6 + ")],
            ["print(3)", "print(0.1 + " + SUMS[17:]],
        ),
        (
            LiveCodeBench,
            LCB_ROW,
            [SUMS, "print('%d.0' % sum(map(int, input().split())))"],
            ["print(3)", "while 1: 0"],
        ),
        (
            LiveCodeBench,
            LCB_CALL_ROW,
            [
                "class Solution:\n    def total(self, nums: List[int], k: int):\n        return [x "
                "+ k for x in nums]"
            ],
            [
                "class Solution:\n    def total(self, nums, k):\n        return [x + 3 for x in "
                "nums] or [1]"
            ],
        ),
        (
            BigCodeBench,
            BIGCODE_ROW,
            ["    return json.dumps(x)\n"],
            ["    return str(x)\n", "    exit()\n"],
        ),
        (HumanEvalPlus, HUMANEVALPLUS_ROW, ["    return x * (1 / 3)\n"], ["    return 1 / 3\n"]),
        (
            MBPPPlus,
            MBPPPLUS_ROW,
            ["def similar_elements(a, b):\n    return [x for x in a if x in b]"],
            [],
        ),
    ],
)
def test_a_published_format_is_read_and_its_solutions_are_judged(kind, row, right, wrong, tmp_path):
    task, (problem,) = load(kind, tmp_path, row)
    assert verdicts(task, problem, *right, *wrong) == [True] * len(right) + [False] * len(wrong)


@boxed
def test_problems_that_cannot_be_judged_are_left_out_and_counted(tmp_path, capsys):
    rows = [
        TACO_ROW,
        {**TACO_ROW, "input_output": ""},
        {**TACO_ROW, "solutions": "[]"},
        {**TACO_ROW, "solutions": json.dumps(["print(3)"])},
    ]
    task, (problem,) = load(TACO, tmp_path, *rows)
    assert sorted(task.left_out.values()) == [["1"], ["2"], ["3"]]
    said = capsys.readouterr().out
    assert all(
        f"{why}: 1" in said
        for why in ("no tests", "no solution", "no published solution passes the tests here")
    )
    assert (
        problem.answer == ADDS
        and problem.difficulty == 2
        and from_table(to_table([problem])) == [problem]
    )
    with pytest.raises(
        UserError, match="2 problems are asked for and there are 1 that can be judged"
    ):
        task.load("test", 2, 0)
    _, found = load(CodeContests, tmp_path, {**CONTEST_ROW, "input_file": "in.txt"})
    assert found == []


@boxed
def test_validation_is_a_part_of_train_or_a_split_of_its_own(tmp_path):
    for name, count in (("train", 10), ("valid", 2)):
        table = pyarrow.Table.from_pylist([{**CONTEST_ROW, "name": f"{i}_A"} for i in range(count)])
        pyarrow.parquet.write_table(table, tmp_path / f"{name}.parquet")
    contests = CodeContests("set", str(tmp_path / "{split}.parquet"), EXECUTION)
    assert [len(contests.load(split, None, 0)) for split in ("train", "validation")] == [10, 2]
    apps, found = load(
        APPS, tmp_path, *[{**APPS_ROW, "question": str(i)} for i in range(10)], split="train"
    )
    assert (len(found), len(apps.load("validation", None, 0))) == (9, 1)
    assert [p.problem_id for p in apps.load("train", 3, 0)] == [p.problem_id for p in found[:3]]


@boxed
def test_one_file_is_cut_in_splits_by_its_names(tmp_path):
    (tmp_path / "all.json").write_text(
        json.dumps([{**CONTEST_ROW, "name": f"{i}_A"} for i in range(12)])
    )
    task = CodeContests("set", str(tmp_path / "all.json"), EXECUTION)
    cut = [
        p.problem_id.split("/")[-1]
        for split in ("train", "validation", "test")
        for p in task.load(split, None, 0)
    ]
    assert len(cut) == len(set(cut)) == 12


@pytest.mark.parametrize("kind", [LiveCodeBench, BigCodeBench, HumanEvalPlus, MBPPPlus])
def test_a_benchmark_without_training_problems_says_so(kind):
    with pytest.raises(UserError, match="has no 'train' problems; possible: test"):
        kind("set", None, EXECUTION).load("train", 1, 0)


@pytest.mark.parametrize(
    ("kind", "hub"),  # of those in a box, references run as they are loaded
    [
        (TACO, "BAAI/TACO"),
        (APPS, "codeparrot/apps"),
        (CodeContests, "deepmind/code_contests"),
        (LiveCodeBench, "livecodebench/code_generation_lite"),
        pytest.param(BigCodeBench, "bigcode/bigcodebench", marks=boxed),
        pytest.param(HumanEvalPlus, "evalplus/humanevalplus", marks=boxed),
        pytest.param(MBPPPlus, "evalplus/mbppplus", marks=boxed),
    ],
)
def test_the_hub_is_asked_for_a_pinned_commit(kind, hub, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr("datasets.load_dataset", lambda *names, **more: [])
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download",
        lambda *names, **more: asked.append((names, more)) or str(tmp_path),
    )
    task = kind("set", None, EXECUTION)
    assert task.load("test", None, 0) == []
    assert hub in str(asked) and len(sources.PUBLISHED[task.source].revision) == 40
    assert (
        sources.PUBLISHED[task.source].revision in str(asked)
        and sources.PUBLISHED[task.source].licence
    )


@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        (TACO, {**TACO_ROW, "input_output": "{"}, "'input_output' is not valid JSON"),
        (
            TACO,
            {**TACO_ROW, "input_output": '{"inputs": ["1"], "outputs": []}'},
            "1 inputs and 0 outputs",
        ),
        (APPS, {k: v for k, v in APPS_ROW.items() if k != "question"}, "no 'question' in this row"),
        (
            CodeContests,
            {**CONTEST_ROW, "private_tests": {"input": ["1"]}},
            "equally many of 'input' and 'output'",
        ),
        (LiveCodeBench, {**LCB_ROW, "private_test_cases": "?"}, "cannot be decoded"),
        (LiveCodeBench, {**LCB_ROW, "private_test_cases": pack(1)}, "is not JSON"),
        (
            LiveCodeBench,
            {**LCB_ROW, "public_test_cases": '["1"]'},
            "a test should have the texts input, output, testtype",
        ),
        (BigCodeBench, {**BIGCODE_ROW, "test": "def f(:"}, "no test methods"),
        (HumanEvalPlus, {**HUMANEVALPLUS_ROW, "prompt": None}, "'prompt' should be str"),
        (MBPPPlus, {**MBPPPLUS_ROW, "test_list": []}, "not valid Python in test_list"),
    ],
)
def test_a_malformed_row_is_named_with_its_line(kind, row, said, tmp_path):
    good = {TACO: TACO_ROW, APPS: APPS_ROW, CodeContests: CONTEST_ROW}.get(kind, row)
    with pytest.raises(UserError, match=rf"test\.jsonl, line [12]: .*{said}"):
        load(kind, tmp_path, good, row)


def test_a_pickle_that_names_anything_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("pickled code has run",))

    row = {**LCB_ROW, "private_test_cases": pack(Evil())}
    with pytest.raises(UserError, match=r"cannot be decoded \(names builtins\.print\)"):
        load(LiveCodeBench, tmp_path, row)


@boxed
def test_a_problem_without_a_sound_test_is_left_out(tmp_path):
    task, found = load(HumanEvalPlus, tmp_path, {**HUMANEVALPLUS_ROW, "task_id": "HumanEval/32"})
    assert found == [] and list(task.left_out.values()) == [["HumanEval/32"]]


@boxed
@pytest.mark.parametrize("kind", [MBPP, MBPPPlus])
def test_functions_whose_asserts_compare_sets_may_return_any_order(kind, tmp_path):
    task, (problem,) = load(kind, tmp_path, MBPPPLUS_ROW)
    in_order = "def similar_elements(a, b):\n    return [x for x in {} if x in b]"
    assert verdicts(task, problem, in_order.format("a"), in_order.format("a[::-1]")) == [True, True]
    assert verdicts(task, problem, in_order.format("a[:1]")) == [False]


@boxed
def test_programs_may_import_the_packages_they_are_given(tmp_path):
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "madeup.py").write_text("dumps = __import__('json').dumps\n")
    row = {**BIGCODE_ROW, "canonical_solution": "    import madeup\n    return madeup.dumps(x)"}
    with pytest.raises(UserError, match=r"code_execution\.packages"):
        load(BigCodeBench, tmp_path, row)
    given = CodeExecution(packages=str(tmp_path / "packages"))
    task, (problem,) = load(BigCodeBench, tmp_path, row, execution=given)
    assert verdicts(task, problem, problem.answer, "    return 1") == [True, False]
    with pytest.raises(UserError, match="no such folder"):
        load(BigCodeBench, tmp_path, row, execution=CodeExecution(packages=str(tmp_path / "none")))


@boxed
def test_the_seconds_are_those_of_a_test(tmp_path):
    task, (problem,) = load(
        LiveCodeBench, tmp_path, LCB_CALL_ROW, execution=CodeExecution(seconds=1.0)
    )
    late = "import time\nclass Solution:\n    def total(self, nums, k):\n        time.sleep({})\n"
    late += "        return [x + k for x in nums]"
    assert verdicts(task, problem, late.format(0.7), late.format(1.5)) == [True, False]
