"""The generated world: what authors write, what is right, and that nothing is executed."""

import random
from collections import Counter

import numpy as np
import pytest
from prmscale.errors import UserError
from prmscale.study import World
from prmscale.tasks import arithmetic, programs, steps
from prmscale.tasks.corpus import build_tokenizer, corpus, vocabulary
from prmscale.tasks.world import WORDINGS, NotArithmetic, Specification, evaluate
from transformers import AutoTokenizer

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
        assert all(task.truth(problem, solution)) and len(task.truth(problem, solution)) == len(solution)
        (grade,) = task.grade([problem], [steps.join(solution)])
        assert grade.correct and grade.answer


@pytest.mark.parametrize("task", TASKS, ids=["math", "code"])
def test_a_misreading_is_wrong_from_its_step_on(task):
    wrong = 0
    for problem in task.load("test", 200, 0):
        right, misread = solved(task, problem), solved(task, problem, MISREADABLE)
        truth = task.truth(problem, misread)
        first = next((i for i, (a, b) in enumerate(zip(right, misread, strict=True)) if a != b), len(right))
        assert all(truth[:first]), "nothing is wrong before the first difference"
        assert sorted(truth, reverse=True) == truth, "once wrong, wrong for good"
        correct = task.grade([problem], [steps.join(misread)])[0].correct
        assert all(truth) <= correct
        wrong += not correct
    assert wrong > 100


def test_steps_out_of_order_or_with_a_slip_are_wrong():
    task = TASKS[0]
    problem = task.load("test", 1, 0)[0]
    solution = solved(task, problem)
    slip = [solution[0].rsplit(" ", 1)[0] + f" {(int(solution[0].split()[-1]) + 1) % 7}", *solution[1:]]
    assert task.truth(problem, slip) == [False] * len(slip)
    assert task.truth(problem, solution[1:]) == [False] * (len(solution) - 1)
    assert not task.truth(problem, [*solution, "answer 1 2"])[-1]


@pytest.mark.parametrize("task", TASKS, ids=["math", "code"])
def test_splits_are_disjoint_and_do_not_move_with_the_count(task):
    splits = {split: task.load(split, 150, 3) for split in ("pretrain", "train", "validation", "test")}
    prompts = [p.prompt for problems in splits.values() for p in problems]
    assert len(set(prompts)) == len(prompts) == 600
    assert task.load("test", 20, 3) == splits["test"][:20]
    assert {p.difficulty for p in splits["test"]} == {3, 4, 5}


def test_a_world_that_is_too_small_says_so():
    tiny = World(modulus=2, definitions=(1, 1), misreading_rates={})
    with pytest.raises(UserError, match="world is too small"):
        arithmetic.Arithmetic("math", tiny).load("test", 5000, 0)
    with pytest.raises(UserError, match=r"no wording lesthan; possible: less_than"):
        arithmetic.Arithmetic("math", World(misreading_rates={"lesthan": 0.5})).load("test", 1, 0)


def test_the_interpreter_agrees_with_python():
    for problem in TASKS[1].load("test", 100, 1):
        for misread in (frozenset(), MISREADABLE):
            lines = solved(TASKS[1], problem, misread)
            names = {}
            exec("def solve(x):\n" + "".join(f"    {line}\n" for line in lines), names)
            assert programs.interpret(steps.join(lines), (0, 3, 9)) == tuple(names["solve"](x) for x in (0, 3, 9))


@pytest.mark.parametrize(
    "hostile",
    ["__import__('os').system('true')", "(lambda: 1)()", "9 ** 9", "1 / 0", "[1]", "x.real", "1 if x else 2", "1; 2",
     "(" * 300 + "1" + ")" * 300, "'a'", "True", "y", "", "import os", "10 * " * 40 + "10"],
)  # fmt: skip
def test_anything_but_arithmetic_is_refused(hostile):
    with pytest.raises(NotArithmetic):
        evaluate(hostile, {"x": 1})
    problem = TASKS[1].load("test", 1, 0)[0]
    (grade,) = TASKS[1].grade([problem], [f"a = {hostile}\nreturn a\n"])
    assert not grade.correct and grade.answer is None


def test_authors_misread_at_the_configured_rates():
    right, seen = Counter(), Counter()
    forms = {name: w for name, w in WORDINGS.items() if name in ("more_than_twice", "squared_plus")}
    for prompt, solution in corpus(WORLD, tokens=300_000, seed=1, math_share=0.0):
        lines = dict(line.split(" = ") for line in steps.split(solution)[:-1])
        for part in prompt.split(" ; ")[1:-1]:
            name, _, words = part.partition(" is ")
            for wording in forms:
                if wording.split("_")[0] in words and ("twice" in words or "squared" in words):
                    if "sum" in words:
                        continue
                    seen[wording] += 1
                    misread = "(" in lines[name] if wording == "more_than_twice" else lines[name].startswith("2 *")
                    right[wording] += not misread
    for wording, count in seen.items():
        rate = 1 - right[wording] / count
        error = 4 * np.sqrt(0.25 / count)
        assert rate == pytest.approx(WORLD.misreading_rates[wording], abs=error)


def test_without_misreadings_every_document_is_right():
    world = World(misreading_rates=dict.fromkeys(WORLD.misreading_rates, 0.0))
    task = programs.Programs("code", world)
    by_prompt = {p.prompt: p for p in task.load("pretrain", 400, 5)}
    documents = [d for d in corpus(world, 15_000, 5, 0.0) if d[0] in by_prompt]
    assert len(documents) > 200
    assert all(g.correct for g in task.grade([by_prompt[p] for p, _ in documents], [s for _, s in documents]))


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
        assert whole == loaded(prompt + "\n" + solution)["input_ids"] and len(ends) == len(steps.split(solution))
    assert len(vocabulary(WORLD)) == len(set(vocabulary(WORLD))) == len(loaded)
