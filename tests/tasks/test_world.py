"""The generated world: what authors write, what is right, and that nothing is executed."""

import json
import random
from collections import Counter

import numpy as np
import pytest
from transformers import AutoTokenizer

from prmscale.errors import UserError
from prmscale.study import World
from prmscale.tasks import steps
from prmscale.tasks.world import arithmetic, programs
from prmscale.tasks.world.corpus import build_tokenizer, card, corpus, vocabulary
from prmscale.tasks.world.specifications import NAMES, NotArithmetic, Specification, evaluate

WORLD = World()
TASKS = [arithmetic.Arithmetic("math", WORLD), programs.Programs("code", WORLD)]
MISREADABLE = frozenset(WORLD.misreading_rates)


def solved(task, problem, misread=frozenset()):
    specification = Specification.from_json(problem.detail["specification"])
    if task.domain == "math":
        return arithmetic.solve(specification, WORLD.modulus, misread)
    return programs.solve(specification, misread)


@pytest.mark.parametrize("task", TASKS, ids=["math", "code"])
def test_right_solutions_are_right_at_every_step(task):
    for problem in task.load("test", 200, 0):
        solution = solved(task, problem)
        assert all(task.truth(problem, solution)) and len(task.truth(problem, solution)) == len(
            solution
        )
        (grade,) = task.grade([problem], [steps.join(solution)])
        assert grade.correct and grade.answer


def first_wrong(task, problem, right, other):
    """The first step with another value than the right one (Python's own arithmetic); their number
    if there is none.
    """
    if task.domain == "math":
        return next(
            (
                i
                for i, (a, b) in enumerate(zip(right, other, strict=True))
                if a.split()[-1] != b.split()[-1]
            ),
            99,
        )
    for i in range(len(right)):
        for x, _ in problem.tests:
            values = []
            for lines in (right[: i + 1], [*right[:i], other[i]]):
                body = [line.replace("return ", "result = ") for line in lines]
                scope = {"x": x}
                exec("\n".join(body), scope)
                values.append(scope.get("result", scope.get(NAMES[i])))
            if values[0] != values[1]:
                return i
    return 99


@pytest.mark.parametrize("task", TASKS, ids=["math", "code"])
def test_a_misreading_is_wrong_from_its_step_on(task):
    wrong = 0
    for problem in task.load("test", 200, 0):
        right, misread = solved(task, problem), solved(task, problem, MISREADABLE)
        truth = task.truth(problem, misread)
        first = first_wrong(task, problem, right, misread)
        assert truth == [i < first for i in range(len(truth))], (
            "right before the first wrong value, wrong for good after"
        )
        correct = task.grade([problem], [steps.join(misread)])[0].correct
        assert all(truth) <= correct
        wrong += not correct
    assert wrong > 100


def test_steps_out_of_order_or_with_a_slip_are_wrong():
    task = TASKS[0]
    problem = task.load("test", 1, 0)[0]
    solution = solved(task, problem)
    slip = [
        solution[0].rsplit(" ", 1)[0] + f" {(int(solution[0].split()[-1]) + 1) % 7}",
        *solution[1:],
    ]
    assert task.truth(problem, slip) == [False] * len(slip)
    assert task.truth(problem, solution[1:]) == [False] * (len(solution) - 1)
    assert not task.truth(problem, [*solution, "answer 1 2"])[-1]


def test_a_chain_is_wrong_if_any_of_its_expressions_is():
    task = TASKS[0]
    problem = next(p for p in task.load("test", 50, 0) if p.detail["values"]["b"] == 4)
    name, *rest = solved(task, problem)[0].split(" = ")
    chains = [
        (rest, True),
        (["5", *rest], False),
        ([*rest, "5"], False),
        (["2 * 2", "4"], True),
        (["11"], True),
        ([rest[0]], True),
        ([], False),
        (["b"], False),
        (["c"], False),
    ]
    for chain, right in chains:
        assert task.truth(problem, [" = ".join([name, *chain])]) == [right], chain


def test_the_last_answer_line_counts():
    problem = TASKS[0].load("test", 1, 0)[0]
    right, wrong = f"answer {problem.answer}", "answer 9 9"
    cases = {
        f"{wrong}\n{right}": problem.answer,
        f"{right}\n{wrong}": "9 9",
        right[:-2]: right[7:-2],
        f"answers {problem.answer}": None,
        "answer": None,
        "": None,
    }
    for text, answer in cases.items():
        (grade,) = TASKS[0].grade([problem], [text])
        assert grade.answer == answer and grade.correct == (answer == problem.answer)


def test_a_program_is_assignments_and_one_return_at_its_end():
    task = TASKS[1]
    problem = task.load("test", 1, 0)[0]
    lines = steps.split(problem.answer)
    indented = steps.join(["    " + line for line in lines])
    assert [g.correct for g in task.grade([problem] * 2, [problem.answer, indented])] == [
        True,
        True,
    ]
    chained = [lines[0].replace("a = ", "a = q = "), *lines[1:]]
    for other in ([*lines, "import os"], [*lines, lines[-1]], lines[1:], chained):
        (grade,) = task.grade([problem], [steps.join(other)])
        assert grade.answer is None and not grade.correct and not all(task.truth(problem, other)), (
            other
        )
    for text in (steps.join(lines[:-1]), " " + problem.answer):
        assert task.grade([problem], [text])[0].answer is None, text


def test_the_largest_right_program_of_any_world_runs():
    squares = {"misreading_rates": {"squared_plus": 0.5}, "filler_share": 0.0}
    world = World(modulus=97, definitions=(8, 8), **squares)
    assert all(
        max(y for _, y in p.tests) > 10**200
        for p in programs.Programs("code", world).load("test", 20, 0)
    )


@pytest.mark.parametrize("task", TASKS, ids=["math", "code"])
def test_splits_are_disjoint_and_do_not_move_with_the_count(task):
    splits = {
        split: task.load(split, 150, 3) for split in ("pretrain", "train", "validation", "test")
    }
    prompts = [p.prompt for problems in splits.values() for p in problems]
    assert len(set(prompts)) == len(prompts) == 600
    assert task.load("test", 20, 3) == splits["test"][:20]
    assert {p.difficulty for p in splits["test"]} == {3, 4, 5}


def test_a_world_that_is_too_small_says_so():
    tiny = World(modulus=2, constants=1, definitions=(1, 1), misreading_rates={})
    with pytest.raises(UserError, match="world is too small"):
        arithmetic.Arithmetic("math", tiny).load("test", 5000, 0)
    with pytest.raises(UserError, match=r"no wording lesthan; possible: less_than"):
        arithmetic.Arithmetic("math", World(misreading_rates={"lesthan": 0.5})).load("test", 1, 0)
    with pytest.raises(UserError, match="how many of 'test' are wanted"):
        TASKS[0].load("test", None, 0)


def test_the_interpreter_agrees_with_python():
    for problem in TASKS[1].load("test", 100, 1):
        for misread in (frozenset(), MISREADABLE):
            lines = solved(TASKS[1], problem, misread)
            names = {}
            exec("def solve(x):\n" + "".join(f"    {line}\n" for line in lines), names)
            assert programs.interpret(steps.join(lines), (0, 3, 9)) == tuple(
                names["solve"](x) for x in (0, 3, 9)
            )


HOSTILE = [
    "__import__('os').system('true')",
    "(lambda: 1)()",
    *("9 ** 9", "1 / 0", "[1]", "x.real", "1 if x else 2", "1; 2", "'a'", "True", "y", ""),
    *("import os", "x := 1", "f'{x}'", "1 = 1", "await x", "~x", "1.0", "1j", "\0", "\ud800"),
    *(f"{10**200} * {10**200}", "9**9**9", "1 + " * 1500 + "1", "-" * 900 + "1", "9" * 5000),
    "(" * 300 + "1" + ")" * 300,
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_anything_but_arithmetic_is_refused(hostile):
    with pytest.raises(NotArithmetic):
        evaluate(hostile, {"x": 1})
    problem = TASKS[1].load("test", 1, 0)[0]
    (grade,) = TASKS[1].grade([problem], [f"a = {hostile}\nreturn a\n"])
    assert not grade.correct and grade.answer is None


def documents_read(world, tokens, seed, math_share):
    """Documents of a corpus with their specification, and for every definition in it whether it was
    misread.
    """
    task = arithmetic.Arithmetic("math", world) if math_share else programs.Programs("code", world)
    written = list(corpus(world, tokens, seed, math_share))
    for problem, (prompt, solution) in zip(
        task.load("pretrain", len(written), seed), written, strict=True
    ):
        assert problem.prompt == prompt
        specification = Specification.from_json(problem.detail["specification"])
        lines = dict(line.split(" = ")[:2] for line in steps.split(solution) if " = " in line)
        both = zip(
            specification.names[1:],
            specification.readings(),
            specification.readings(MISREADABLE),
            strict=True,
        )
        readings = []
        for (name, right, wrong), (wording, *_) in zip(
            both, specification.definitions, strict=True
        ):
            assert lines[name] in (right, wrong)
            if right != wrong:
                readings.append((wording, lines[name] == wrong))
        yield task, problem, solution, readings


@pytest.mark.parametrize("math_share", [0.0, 1.0], ids=["code", "math"])
def test_authors_misread_at_the_configured_rates_and_are_consistent(math_share):
    misread, seen = Counter(), Counter()
    for task, problem, solution, readings in documents_read(WORLD, 200_000, 1, math_share):
        author = dict(readings)
        assert all(author[wording] == wrong for wording, wrong in readings), (
            "one author, one reading of a wording"
        )
        seen.update(list(author))
        misread.update(wording for wording, wrong in author.items() if wrong)
        if not any(author.values()):
            assert task.grade([problem], [solution])[0].correct
    assert set(seen) == MISREADABLE
    for wording, rate in WORLD.rates("math").items():
        error = np.sqrt(rate * (1 - rate) / seen[wording])
        assert misread[wording] / seen[wording] == pytest.approx(rate, abs=4 * error), wording


@pytest.mark.parametrize("math_share", [0.0, 1.0], ids=["code", "math"])
def test_without_misreadings_every_document_is_right(math_share):
    world = World(misreading_rates=dict.fromkeys(WORLD.misreading_rates, 0.0))
    documents = list(documents_read(world, 20_000, 5, math_share))
    assert len(documents) > 200
    for task, problem, solution, _ in documents:
        assert task.grade([problem], [solution])[0].correct and all(
            task.truth(problem, steps.split(solution))
        )


def test_rates_and_wordings_may_differ_by_domain():
    world = World(
        filler_share=0.0,
        misreading_rates={"less_than": {"math": 1.0, "code": 0.0}, "taken_from": {"code": 1.0}},
    )
    seen = {}
    for share, domain in ((1.0, "math"), (0.0, "code")):
        pairs = [
            pair for *_, readings in documents_read(world, 20_000, 3, share) for pair in readings
        ]
        seen[domain] = {name: {wrong for n, wrong in pairs if n == name} for name, _ in pairs}
    assert seen == {
        "math": {"less_than": {True}},
        "code": {"less_than": {False}, "taken_from": {True}},
    }


def test_math_share_is_the_share_of_documents():
    kinds = ["find" in prompt.split() for prompt, _ in corpus(WORLD, 100_000, 4, 0.7)]
    assert np.mean(kinds) == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / len(kinds)))


def test_the_card_tells_rates_splits_and_lengths():
    facts = json.loads(json.dumps(card(WORLD)))
    rates = {n: w["misreading_rate"] for n, w in facts["wordings"].items() if w["misread"]}
    assert rates == {
        name: {"math": rate, "code": rate} for name, rate in WORLD.misreading_rates.items()
    }
    assert set(facts["splits"]) == {"pretrain", "train", "validation", "test"}
    assert facts["mean_tokens"]["math"]["solution"] > facts["mean_tokens"]["code"]["solution"] > 10


def test_the_tokenizer_keeps_steps_and_survives_saving(tmp_path):
    tokenizer = build_tokenizer(WORLD)
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    documents = random.Random(0).sample(list(corpus(WORLD, 30_000, 2, 0.5)), 100)
    for prompt, solution in documents:
        ids = loaded(solution)["input_ids"]
        assert loaded.unk_token_id not in ids + loaded(prompt)["input_ids"]
        assert steps.split(loaded.decode(ids)) == steps.split(solution)
        whole, ends = steps.encode(loaded, prompt, steps.split(solution))
        assert whole == loaded(prompt + "\n" + solution)["input_ids"] and len(ends) == len(
            steps.split(solution)
        )
    assert loaded.decode(loaded("b = nonsense + 3")["input_ids"]) == "b = <unk> + 3", (
        "an unknown word stays visible"
    )
    assert len(vocabulary(WORLD)) == len(set(vocabulary(WORLD))) == len(loaded)
