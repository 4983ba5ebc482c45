"""Multiple-choice questions: the option that a reply chooses, and the two benchmarks' formats."""

import csv
import json
from pathlib import Path

import pytest

from prmscale.analysis.transfer import find_shares
from prmscale.errors import UserError
from prmscale.plan.plan import Plan
from prmscale.study import Cost, Dataset, Prompting, Study
from prmscale.tasks.base import from_table, to_table
from prmscale.tasks.benchmarks.questions import GPQA, MMLUPro
from prmscale.tasks.grading import choices

CASES = Path(__file__).parents[1] / "cases" / "choices.csv"
MMLU_PRO = {
    "question_id": 70, "question": "Which gas do plants take up?",
    "options": ["Argon", "Helium", "Carbon dioxide", "Neon", "Xenon", "Radon", "Ozone", "Krypton",
                "Methane", "Ammonia"],
    "answer": "C", "answer_index": 2, "cot_content": "", "category": "biology", "src": "made-up",
}  # fmt: skip
SETS = {"law": "mmlu_pro", "programs": "programs", "sums": "arithmetic"}
GPQA_ROW = {
    "Record ID": "rec0", "Question": "Which of these is a lepton?", "Correct Answer": "the muon\n",
    "Incorrect Answer 1": "the pion", "Incorrect Answer 2": "the kaon",
    "Incorrect Answer 3": "the proton", "High-level domain": "Physics", "Subdomain": "Particles",
}  # fmt: skip


def rows():
    with CASES.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("case", rows(), ids=lambda case: case["reply"][:40])
def test_the_option_of_every_case_is_found(case):
    found = choices.find(case["reply"].replace("\\n", "\n"), case["options"].split("|"))
    assert (found.answer or "", found.rule) == (case["right"], case["rule"])


def lines(tmp_path, rows):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_mmlu_pro_in_its_published_format(tmp_path):
    law = {**MMLU_PRO, "category": "law", "options": ["yes", "no"], "answer": "B"}
    path = lines(tmp_path, [MMLU_PRO, {**law, "answer_index": 1, "question_id": 71}])
    task = MMLUPro("bio", path, subjects=["biology"])
    (problem,) = task.load("test", None, 0)
    assert problem.prompt.splitlines()[:2] == ["Which gas do plants take up?", ""]
    assert problem.prompt.splitlines()[4] == "C. Carbon dioxide"
    assert problem.prompt.endswith("\nJ. Ammonia") and problem.domain == "knowledge"
    said = ["The answer is (C).", "carbon dioxide", "The answer is (D).", "no idea"]
    grades = task.grade([problem] * 4, said)
    assert [(g.answer, g.correct) for g in grades] == [
        ("C", True), ("C", True), ("D", False), (None, False),
    ]  # fmt: skip
    assert from_table(to_table([problem])) == [problem]
    assert len(MMLUPro("all", path).load("test", None, 0)) == 2
    with pytest.raises(UserError, match=r"names 'biolgy'.*Did you mean 'biology'.*biology, law"):
        MMLUPro("bio", path, subjects=["biolgy"]).load("test", None, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer": "K"}, "should be the letter of an option and is 'K'"),
        ({"answer": ""}, "should be the letter of an option and is ''"),
        ({"answer_index": 1}, "not the same option"),
        ({"options": ["one"]}, "a list of 2 to 10 texts"),
    ],
)
def test_a_malformed_question_is_named(change, said, tmp_path):
    with pytest.raises(UserError, match=rf"rows.jsonl, line 1: .*{said}"):
        MMLUPro("x", lines(tmp_path, [{**MMLU_PRO, **change}])).load("test", None, 0)


def test_gpqa_from_its_published_csv_in_an_order_that_no_study_changes(tmp_path):
    file = tmp_path / "gpqa_diamond.csv"
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, GPQA_ROW)
        writer.writeheader()
        writer.writerows({**GPQA_ROW, "Record ID": f"rec{i}"} for i in range(40))
    task = GPQA("gpqa", str(file))
    problems = task.load("test", None, 0)
    orders = {p.prompt: p.answer for p in problems}
    assert len(problems) == 40 and set(orders.values()) == set("ABCD")
    assert orders == {p.prompt: p.answer for p in task.load("test", None, 7)}
    for problem in problems:
        assert f"\n{problem.answer}. the muon\n" in f"{problem.prompt}\n"
    assert all(g.correct for g in task.grade(problems, [r"\boxed{the muon}"] * 40))


def test_knowledge_is_a_domain_of_its_own(tmp_path):
    problems = MMLUPro("bio", lines(tmp_path, [MMLU_PRO])).load("test", None, 0)
    assert find_shares(problems).empty
    asked = Prompting(style="chat")
    assert "letter of the right option" in asked.instruction("knowledge")
    assert asked.step_rule("knowledge") == "blank_line"
    with pytest.raises(ValueError, match="steps: block is a rule for code; knowledge has line"):
        Prompting(steps={"knowledge": "block"})
    sizes = Cost(prompt_tokens={"math": 100}).prompt_tokens  # the other domains keep the defaults
    assert sizes == {**Cost().prompt_tokens, "math": 100} and sizes["knowledge"] > 0
    config = {
        "datasets": [{"name": n, "source": s, "train": 9} for n, s in SETS.items()],
        "labels": {"policy": "m"},
        "rewards": {
            "data": [{"name": n, "datasets": list(SETS)[i:]} for i, n in enumerate("abc")],
            "models": [{"name": f"{n}-m", "base": "m", "data": n} for n in "abc"],
        },
    }
    plan = Plan(Study.model_validate(config))
    assert [plan.training_domain(f"{n}-m") for n in "abc"] == [
        "code+knowledge+math", "both", "math",
    ]  # fmt: skip


def test_subjects_are_for_sources_that_have_them():
    assert Dataset(name="law", source="mmlu_pro", subjects=["law"]).subjects == ["law"]
    with pytest.raises(ValueError, match="rows of gsm8k have no subjects"):
        Dataset(name="x", source="gsm8k", subjects=["law"])
