"""Math benchmarks of contests and courses in their published formats, with their odd rows."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from prmscale.analysis import contamination
from prmscale.errors import UserError
from prmscale.study import CodeExecution, Dataset, World
from prmscale.tasks.benchmarks.sources import PUBLISHED
from prmscale.tasks.registry import TASKS, build

URL = "https://artofproblemsolving.com/wiki/index.php/"
AIME24 = {"id": 60, "problem": "Find $x$.", "solution": "It is 33.", "answer": "033", "url": URL,
          "year": "2024"}  # fmt: skip
AIME25 = {"problem": "Find $y$.", "answer": "70", "id": "0"}
AMC = {"id": 0, "problem": "How many?", "answer": 142.0, "url": f"{URL}2022_AMC_12A"}
MINERVA = {"question": "How far, in cm?", "answer": "4.5e33"}
PLATINUM = {"question": "Two and two?", "answer": "It is <<2+2=4>>4.\n#### 1,004",
            "cleaning_status": "consensus"}  # fmt: skip
OLYMPIAD = {
    "id": 1606, "question": "Where is it?", "solution": ["There."], "final_answer": ["$2$"],
    "context": None, "image_1": None, "modality": "Text-only", "difficulty": "Competition",
    "is_multiple_answer": False, "unit": None, "answer_type": "Numerical", "error": None,
    "question_type": "Open-ended", "subfield": "Algebra", "subject": "Math", "language": "English",
}  # fmt: skip


def load(tmp_path, source, *rows, **settings):
    """The task of these rows, and all its test problems in the order of the rows."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = Dataset(name="bench", source=source, path=str(file), **settings)
    task = build(dataset, World(), CodeExecution())
    return task, sorted(task.load("test", None, 0), key=lambda problem: problem.problem_id)


def judge(tmp_path, source, row, answers):
    """Whether each of these answers to the problem of a row is right."""
    task, (problem,) = load(tmp_path, source, row)
    return [g.correct for g in task.grade([problem] * len(answers), answers)]


@pytest.mark.parametrize(
    ("source", "row", "right", "wrong"),
    [
        ("aime24", AIME24, [r"\boxed{33}", r"\boxed{033}", "The answer is 33."], [r"\boxed{3}"]),
        ("aime24", {**AIME24, "answer": 33}, [r"\boxed{033}"], [r"\boxed{330}"]),
        ("aime24", {**AIME24, "answer": "000"}, [r"\boxed{0}", r"\boxed{000}"], [r"\boxed{1}"]),
        ("aime25", AIME25, [r"\boxed{070}"], [r"\boxed{7}"]),
        ("amc", AMC, [r"\boxed{142}", r"\boxed{142.0}"], [r"\boxed{14.2}", r"\boxed{1420}"]),
        ("amc", {**AMC, "answer": 0.5}, [r"\boxed{\frac{1}{2}}"], [r"\boxed{5}"]),
        ("gsm8k_platinum", PLATINUM, ["The answer is 1004."], ["The answer is 4."]),
    ],
)
def test_whole_numbers(source, row, right, wrong, tmp_path):
    found = judge(tmp_path, source, row, right + wrong)
    assert found == [True] * len(right) + [False] * len(wrong)


@pytest.mark.parametrize(
    ("answer", "right", "wrong"),
    [
        ("4.5e33", [r"\boxed{4.5 \times 10^{33}}", r"\boxed{4.52e33}"], [r"\boxed{4.6e33}"]),
        ("0.0833", [r"\boxed{1/12}", r"\boxed{0.083}"], [r"\boxed{0.08}", r"\boxed{-0.0833}"]),
        ("-1.49", [r"\boxed{-1.5}", r"\boxed{-1.49\text{ cm}}"], [r"\boxed{1.49}"]),
        ("100", [r"\boxed{100}"], [r"\boxed{101}", r"\boxed{100.5}"]),  # whole: exact
        (r"\frac{1}{3}", [r"\boxed{\frac{1}{3}}"], [r"\boxed{1}"]),
        (r"x^2 + 1", [r"\boxed{1 + x^2}"], [r"\boxed{x^2}"]),
    ],
)
def test_minervas_rounded_numbers_need_to_be_near(answer, right, wrong, tmp_path):
    found = judge(tmp_path, "minerva_math", {**MINERVA, "answer": answer}, right + wrong)
    assert found == [True] * len(right) + [False] * len(wrong)


@pytest.mark.parametrize(
    ("change", "right", "wrong"),
    [
        ({}, [r"\boxed{2}"], [r"\boxed{2.01}"]),
        ({"error": "1e-1"}, [r"\boxed{2.1}", r"\boxed{1.95}"], [r"\boxed{2.11}"]),
        (
            {"final_answer": ["$2,-1$"], "is_multiple_answer": True},
            [r"\boxed{-1, 2}", r"\boxed{2} and \boxed{-1}"],
            [r"\boxed{2}", r"\boxed{2, 1}", r"\boxed{2, -1, 0}"],
        ),
        (
            {"final_answer": ["$5$", "$1$"], "error": "0.5,0.01"},
            [r"\boxed{1.01, 5.5}"],
            [r"\boxed{1.5, 5}", r"\boxed{5}", r"\boxed{1}", r"\boxed{1, 5, 6}"],
        ),
        ({"final_answer": ["$(0,1]$"]}, [r"\boxed{0 < x \leq 1}"], [r"\boxed{(0,1)}"]),
        ({"final_answer": ["$(1,2)$"]}, [r"\boxed{(1, 2)}"], [r"\boxed{(2, 1)}"]),
        ({"final_answer": [r"$\frac{n(n+1)}{2}$"]}, [r"\boxed{(n^2+n)/2}"], [r"\boxed{n^2}"]),
        ({"unit": "m", "error": "0.1"}, [r"\boxed{2.05 \text{ m}}"], [r"\boxed{3}"]),
    ],
)
def test_olympiadbench_judges_lists_intervals_units_and_errors(change, right, wrong, tmp_path):
    found = judge(tmp_path, "olympiadbench", {**OLYMPIAD, **change}, right + wrong)
    assert found == [True] * len(right) + [False] * len(wrong)


def test_olympiadbench_leaves_out_what_cannot_be_judged_and_asks_with_context_and_unit(tmp_path):
    rows = [
        OLYMPIAD,
        {**OLYMPIAD, "id": 2, "context": "A box.", "unit": "m", "subfield": "Geometry"},
        {**OLYMPIAD, "id": 3, "image_1": "a picture"},
        {**OLYMPIAD, "id": 4, "final_answer": None, "question_type": "Theorem proof"},
        {**OLYMPIAD, "id": 5, "answer_type": "Need_human_evaluate"},
    ]
    task, problems = load(tmp_path, "olympiadbench", *rows)
    assert [p.prompt for p in problems] == [
        "Where is it?",
        "A box.\n\nWhere is it?\n\nGive the answer in m.",
    ]
    assert sorted(task.left_out.values()) == [["3"], ["4"], ["5"]]
    assert len(load(tmp_path, "olympiadbench", *rows, subjects=["Geometry"])[1]) == 1
    with pytest.raises(UserError, match=r"line 1: 'error' should be a number.*'small'"):
        load(tmp_path, "olympiadbench", {**OLYMPIAD, "error": "small"})


def test_votes_count_numbers_with_and_without_leading_zeros_as_one(tmp_path):
    task, (problem,) = load(tmp_path, "aime24", AIME24)
    grades = task.grade([problem] * 2, [r"\boxed{033}", r"\boxed{33}"])
    assert grades[0].answer == grades[1].answer


def test_a_csv_of_ones_own_is_read_in_a_published_format(tmp_path):
    file = tmp_path / "mine.csv"
    pd.DataFrame([{"problem": "How many, by 2?", "answer": "1/2"}]).to_csv(file, index=False)
    task = build(Dataset(name="mine", source="math500", path=str(file)), World(), CodeExecution())
    (problem,) = task.load("test", None, 0)
    assert task.grade([problem], [r"\boxed{0.5}"])[0].correct


def test_a_set_inside_another_is_seen_by_the_contamination_check(tmp_path):
    amc = "In how many ways can seven people sit in a row so that no two friends meet?"
    other = "What is the area of a square of side two?"
    tests = pd.DataFrame({"dataset": "amc", "prompt": [amc, other]})
    train = pd.DataFrame({"dataset": "hendrycks_math", "prompt": [amc, "Add one and two."]})
    (found,) = contamination.table(train, tests).to_dict("records")
    assert (found["exact"], found["ngram"], found["test_problems"]) == (1, 1, 2)


def test_every_published_source_has_its_origin_in_the_docs():
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    found = dict(re.findall(r"^\| `(\w+)` \| (\S+/\S+ \|.*)$", page, re.MULTILINE))
    assert set(found) == set(TASKS) - {"arithmetic", "programs"}
    for source, row in found.items():
        published = PUBLISHED[source]
        splits = [k if k == v else f"{k} (of {v})" for k, v in published.splits.items()]
        told = f"{published.hub} | {', '.join(splits)} | {published.licence} | "
        assert row.startswith(told) and len(published.revision) == 40, source
