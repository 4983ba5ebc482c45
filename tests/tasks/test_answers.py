"""Math answers: found in what models write, and told apart as a person would; the cases are rows of
tests/cases.
"""

import csv
import json
import time
from itertools import combinations
from pathlib import Path

import pytest

from prmscale.tasks.benchmarks.gsm8k_math import GSM8K
from prmscale.tasks.grading import math_answers

CASES = Path(__file__).parents[1] / "cases"
SHARED = Path(__file__).parents[3] / "shared" / "data"
shared = pytest.mark.skipif(
    not SHARED.exists(), reason="the real rows are not beside this checkout"
)
WAYS = (
    "The answer is $%s$.",
    r"\boxed{%s}",
    "**Answer:** %s",
    "Final Answer: The final answer is $%s$. I hope it is correct.",
    "**Final Answer**\n\n$$%s$$",
    "Adding up, we get\n#### %s",
    r"<think>\boxed{0}?</think>So we have \[ %s \]",
)


def rows(name):
    with open(CASES / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def math500():
    return [
        json.loads(line)["answer"] for line in (SHARED / "math500.jsonl").read_text().splitlines()
    ]


EQUAL, FOUND = rows("answers"), rows("extraction")


def test_there_are_enough_cases():
    assert len(EQUAL) >= 200 and len(FOUND) >= 80


@pytest.mark.parametrize("kind", dict.fromkeys(row["kind"] for row in EQUAL))
def test_answers_are_equal_as_a_person_would_say(kind):
    cases = [row for row in EQUAL if row["kind"] == kind]
    pairs = [(row["reference"], row["response"]) for row in cases]
    right = [row["right"] == "True" for row in cases]
    assert math_answers.compare(pairs) == right
    assert math_answers.compare([(b, a) for a, b in pairs]) == right  # and the other way round


def test_votes_merge_nothing_that_is_not_equal():
    # but for the unit behind a number and the name before it, which the problem asks for
    free = ("units behind a number", "a name in front", "more: named")
    unequal = [row for row in EQUAL if row["right"] == "False" and row["kind"] not in free]
    for row in unequal:
        one, other = map(math_answers.to_canonical, (row["reference"], row["response"]))
        assert one != other or not one or row["reference"] == row["response"], row


@pytest.mark.parametrize("kind", dict.fromkeys(row["kind"] for row in FOUND))
def test_the_answer_is_found_and_by_which_rule(kind):
    for row in (row for row in FOUND if row["kind"] == kind):
        answer, rule = math_answers.find(row["response"].replace("\\n", "\n"))
        assert (answer or "", rule) == (row["right"], row["rule"]), row


@shared
@pytest.mark.parametrize("way", WAYS)
def test_every_reference_of_math500_is_found_and_equal_to_itself(way):
    references = math500()
    assert len(references) == 500
    found = [math_answers.extract(way % reference) for reference in references]
    equal = math_answers.compare(
        [(reference, answer or "") for reference, answer in zip(references, found, strict=True)]
    )
    assert [
        pair
        for pair, same in zip(zip(references, found, strict=True), equal, strict=True)
        if not same
    ] == []


@shared
def test_no_two_references_of_math500_are_equal_but_those_a_person_calls_so():
    references = dict.fromkeys(math500())
    pairs = list(combinations(references, 2))
    verdicts = math_answers.compare(pairs)
    equal = {frozenset(pair) for pair, same in zip(pairs, verdicts, strict=True) if same}
    assert equal == {frozenset(row.values()) for row in rows("math500_equal")}


@shared
@pytest.mark.parametrize("way", WAYS)
def test_every_reference_of_gsm8k_is_found_and_equal_to_itself(way):
    problems = GSM8K("gsm8k", str(SHARED / "gsm8k_{split}.jsonl")).load("train", None, 0)
    assert len(problems) > 6000
    found = [math_answers.extract(way % problem.answer) for problem in problems]
    assert [
        f
        for p, f in zip(problems, found, strict=True)
        if not math_answers.compare([(p.answer, f or "")])[0]
    ] == []


HUGE = {
    "a megabyte of digits": "7" * 10**6,
    "a million braces": "{" * 10**6,
    "boxes that never close": r"\boxed{" * 150_000,
    "NUL bytes": "\0" * 10**6,
    "phrases": "the answer is " * 70_000,
    "words": "answer " * 140_000,
    "emphasis": "*" * 10**6,
    "dollars": "$ " * 500_000,
    "lists": "1," * 500_000,
    "tags of thoughts": "<think></think>" * 70_000,
    "problems": "\nQuestion: x" * 80_000,
    "a lone surrogate": "The answer is \ud800.",
    "nested fractions": r"\boxed{" + r"\frac{1}{" * 5000 + "2" + "}" * 5001,
    "nested texts": r"\boxed{" + r"\text{" * 300 + "a" + "}" * 301,
    "a number of 5,000 digits": r"\boxed{" + "9" * 5000 + "}",
    "a tower of powers": r"\boxed{10^{10^{10}}}",
    "a factorial": r"\boxed{1000000000!}",
}


@pytest.mark.parametrize("name", HUGE)
def test_bad_replies_have_a_verdict_in_time(name):
    started = time.monotonic()
    answer = math_answers.extract(HUGE[name])
    assert math_answers.compare([(r"3\sqrt{2}", answer or "")], seconds=2) == [False]
    math_answers.to_canonical(answer or "")
    assert time.monotonic() - started < 30  # a hang, not a speed
