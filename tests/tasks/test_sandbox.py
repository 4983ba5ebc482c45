"""Hostile programs in the sandbox: none gets out, forges a verdict, or harms another."""

import time

import pytest
from attacks import ATTACKS
from needs import boxed

from prmscale.errors import UserError
from prmscale.tasks.grading import sandbox
from prmscale.tasks.grading.sandbox import Limits, Program, matches, run
from prmscale.tasks.grading.worker import Worker

pytestmark = boxed
LIMITS = Limits(seconds=1.0, memory_mb=256)
GOOD = Program("def solve(x):\n    return x * 2", ("solve(21)",))


NESTED = """
import os
for pipe in range(3, 9):
    try: os.write(pipe, b'[' * {0} + b']' * {0} + b'\\n')
    except OSError: pass
os._exit(0)
"""


def test_answers_nested_without_end_stop_nothing():
    nested = [Program(NESTED.format(depth), ("1",)) for depth in range(940, 1000, 2)]
    *evil, good = run([*nested, GOOD], LIMITS)
    assert {o.values for o in evil} == {(None,)} and good.values == ("42",)


def test_values_are_told_apart_by_type_and_floats_are_close():
    values = run(
        [Program("", ("[1]", "(1,)", "{1: 2}", "{1}", "0.1 + 0.2", "True", "'a'"))], LIMITS
    )[0].values
    assert len(set(values)) == 7
    assert (
        matches(values[4], "0.3")
        and matches(values[5], "1")
        and not matches(values[0], values[1])
        and not matches(None, "1")
    )


def test_a_long_value_is_told_apart_by_its_digest():
    first, same_again, other = run(
        [Program("", ("[0] * 9999", "[0] * 9999", "[0] * 9998 + [1]"))], LIMITS
    )[0].values
    assert first == same_again != other and len(first) < 200


def test_what_is_printed_comes_back_for_each_input_up_to_the_first_failure():
    double = Program("print(2 * int(input()))", inputs=("1", "2\n", "x", "4"))
    ends = [
        "import threading, time\nthreading.Thread(target=lambda: time.sleep(0.1) or "
        "print(input())).start()",
        "import atexit\natexit.register(lambda: print(input()))",
        "print(open(0).read())\nexit()",
        "print(input())\nraise SystemExit(1)",
    ]
    outcomes = run([double, *(Program(end, inputs=("7",)) for end in ends)], LIMITS)
    assert [o.values for o in outcomes] == [("2\n", "4\n", None, None), *[("7\n",)] * 3, (None,)]


@pytest.mark.parametrize(
    "name", ["it sleeps", "memory is taken", "it prints without end", "exits never end", "syntax"]
)
def test_an_evil_main_module_fails_and_the_next_one_runs(name):
    evil = Program(ATTACKS[name]["source"], inputs=("1", "2"))
    first, second = run([evil, Program("print(input())", inputs=("3",))], LIMITS)
    assert first.values == (None, None) and second.values == ("3\n",)


def test_each_input_finds_its_folders_empty():
    program = Program(
        "import os\nprint(os.listdir('/tmp'))\nopen('/tmp/x', 'w')", inputs=("1", "2")
    )
    assert run([program], LIMITS)[0].values == ("[]\n", "[]\n")


def test_a_limit_on_each_call_begins_anew_with_it_and_the_first_failure_in_time_is_the_last_call():
    waits = "import time\ndef f(x):\n    time.sleep(x)\n    return x"
    calls = ("f(0.6)", "f(0.7)", "f(0.5)")
    each, together = run([Program(waits, calls, limit_each=True), Program(waits, calls)], LIMITS)
    assert (
        each.values == ("0.6", "0.7", "0.5")
        and together.values == (None,) * 3
        and together.error == "TimeLimit"
    )
    late, ends = run(
        [
            Program(waits, ("f(0)", "f(9)", "f(0)"), limit_each=True),
            Program(waits, ("f(9)", "1"), limit_each=True),
        ],
        LIMITS,
    )
    assert late.values == ("0", None, None) and late.error is None
    assert ends.values == (None, None) and ends.error == "TimeLimit"


@pytest.mark.parametrize(("processes", "error"), [(2, None), (5, "MemoryLimit")])
def test_all_processes_of_a_program_together_have_its_memory(processes, error):
    source = f"""
import os, time
for _ in range({processes}):
    if os.fork() == 0:
        held = b'x' * (80 << 20)
        time.sleep(1)
        os._exit(0)
for _ in range({processes}):
    os.wait()
"""
    outcome = run([Program(source, ("1",))], Limits(seconds=4.0, memory_mb=256))[0]
    assert outcome.error == error and (outcome.values == ("1",)) == (error is None)


def test_a_program_cannot_set_back_its_clock():
    source = """
import os, signal, threading, time
def cheat():
    while True:
        time.sleep(0.3)
        for descriptor in range(3, 64):
            try: os.write(descriptor, b'null\\n')
            except OSError: pass
threading.Thread(target=cheat).start()
time.sleep(60)
"""
    started = time.monotonic()
    outcome, honest = run([Program(source, ("1", "2", "3"), limit_each=True), GOOD], LIMITS)
    assert outcome.values == (None,) * 3 and honest.values == ("42",)
    assert time.monotonic() - started < 3 * LIMITS.seconds + 3


@pytest.mark.parametrize("ends", ["x = 1\n", "from __future__ import annotations\n"])
def test_a_program_is_a_module_that_finds_itself(ends):
    source = f"{ends}import dataclasses, pickle\n@dataclasses.dataclass\nclass A:\n    b: int = 1\n"
    assert run([Program(source, ("pickle.loads(pickle.dumps(A(2))).b",))], LIMITS)[0].values == (
        "2",
    )
    main = Program(f"{source}print(pickle.loads(pickle.dumps(A(int(input())))).b)", inputs=("2",))
    assert run([main], LIMITS)[0].values == ("2\n",)


def test_a_worker_that_dies_is_asked_once_more(monkeypatch):
    asked, ask = [], Worker.ask

    def dies(self, request, seconds):
        asked.append(request)
        if len(asked) < 3 or (sum(map(bool, asked)) == 1 and request):  # two starts, a program
            self.close()
            return None
        return ask(self, request, seconds)

    monkeypatch.setattr(Worker, "ask", dies)
    assert run([GOOD], LIMITS)[0].values == ("42",)
    monkeypatch.setattr(Worker, "ask", lambda *_: None)
    with pytest.raises(UserError, match="cannot start"):
        run([GOOD], LIMITS)


def test_the_number_of_boxes_changes_nothing(monkeypatch):
    programs = [Program(f"x = {i}", ("x", "x * x")) for i in range(20)] + [
        Program("import os\nos._exit(1)", ("1",))
    ]
    found = []
    for cores in (1, 5):
        monkeypatch.setattr(sandbox, "_cores", lambda cores=cores: cores)
        found.append(run(programs, LIMITS))
    assert found[0] == found[1] and found[0][19].values == ("19", "361")
