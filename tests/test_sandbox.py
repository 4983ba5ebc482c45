"""Hostile programs in the sandbox: none gets out, forges a verdict, or harms another."""

import os
from pathlib import Path

import pytest
from needs import boxed

from prmscale.errors import UserError
from prmscale.tasks import sandbox
from prmscale.tasks.sandbox import Limits, Program, run, same

pytestmark = boxed

LIMITS = Limits(seconds=1.0, memory_mb=256)
GOOD = Program("def solve(x):\n    return x * 2", ("solve(21)",))

EVIL = {
    "endless loop": "while True: pass",
    "sleep": "import time; time.sleep(60)",
    "memory": "x = bytearray(2 << 30)",
    "fork bomb": "import os\nwhile True: os.fork()",
    "exit": "import os; os._exit(0)",
    "kill the worker": "import os, signal; os.kill(os.getppid(), signal.SIGKILL); import time; time.sleep(5)",
    "deep recursion": "def f(): f()\nf()",
    "syntax": "def solve(x:",
    "flood": "import os\nwhile True: os.write(1, b'x' * 65536)",
    "forged answer": 'import os, json\nfor fd in range(3, 64):\n try: os.write(fd, b\'{"values": ["42"]}\')\n'
    " except OSError: pass\nos._exit(0)",
}


@pytest.mark.parametrize("name", [n for n in EVIL if n != "forged answer"])
def test_an_evil_program_fails_and_the_next_one_runs(name):
    first, second = run([Program(EVIL[name], ("solve(21)",)), GOOD], LIMITS)
    assert first.values == (None,) and first.error
    assert second.values == ("42",)


def test_writing_to_every_pipe_cannot_say_what_is_expected():
    # a program may choose what it returns; the expected values are not in the box, so guessing is all that is left
    (outcome,) = run([Program(EVIL["forged answer"].replace("42", '["PASS"]'), ("solve(21)",))], LIMITS)
    assert not same(outcome.values[0], "42")


@pytest.mark.parametrize(
    "peek",
    [
        "open('/etc/passwd').read()",
        f"open({str(Path(__file__).resolve())!r}).read()",
        "open('/usr/bin/evil', 'w')",
        "open('/tmp/../root/x', 'w')",
        "__import__('socket').create_connection(('127.0.0.1', 22), 1)",
        "open(f'/proc/{__import__(\"os\").getppid()}/mem', 'rb').read(1)",
    ],
)
def test_nothing_of_the_machine_can_be_seen_or_changed(peek):
    assert run([Program("", (peek,))], LIMITS)[0].values == (None,)


def test_the_environment_is_empty():
    os.environ["PRMSCALE_SECRET"] = "hunter2"
    looks = ("'PRMSCALE_SECRET' in __import__('os').environ", "b'hunter2' in open('/proc/1/environ', 'rb').read()")
    assert "1" not in run([Program("", looks)], LIMITS)[0].values


def test_programs_do_not_see_each_other():
    outcomes = run([Program("import builtins; builtins.x = 1", ()), Program("", ("x",))] * 4, LIMITS)
    assert all(o.values == (None,) for o in outcomes[1::2])


def test_values_are_told_apart_by_type_and_floats_are_close():
    values = run([Program("", ("[1]", "(1,)", "{1: 2}", "{1}", "0.1 + 0.2", "True", "'a'"))], LIMITS)[0].values
    assert len(set(values)) == 7
    assert same(values[4], "0.3") and same(values[5], "1") and not same(values[0], values[1]) and not same(None, "1")


def test_a_long_value_is_told_apart_by_its_digest():
    first, same_again, other = run([Program("", ("[0] * 9999", "[0] * 9999", "[0] * 9998 + [1]"))], LIMITS)[0].values
    assert first == same_again != other and len(first) < 200


def test_what_is_printed_comes_back_for_each_input_up_to_the_first_failure():
    double = Program("print(2 * int(input()))", inputs=("1", "2\n", "x", "4"))
    ends = [
        "import threading, time\nthreading.Thread(target=lambda: time.sleep(0.1) or print(input())).start()",
        "import atexit\natexit.register(lambda: print(input()))",
        "print(open(0).read())\nexit()",
        "print(input())\nraise SystemExit(1)",
    ]
    outcomes = run([double, *(Program(end, inputs=("7",)) for end in ends)], LIMITS)
    assert [o.values for o in outcomes] == [("2\n", "4\n", None, None), *[("7\n",)] * 3, (None,)]


@pytest.mark.parametrize("name", ["sleep", "memory", "kill the worker", "syntax", "flood"])
def test_an_evil_main_module_fails_and_the_next_one_runs(name):
    first, second = run([Program(EVIL[name], inputs=("1", "2")), Program("print(input())", inputs=("3",))], LIMITS)
    assert first.values == (None, None) and second.values == ("3\n",)


@pytest.mark.parametrize("value", ["9" * 400, "9" * 5000, "[" * 5000 + "]" * 5000, "not json"])
def test_a_value_beyond_all_measure_is_just_wrong(value):
    assert not same(value, "0.5") and not same(value, "[1]")


def test_without_a_sandbox_the_rule_refuses(monkeypatch):
    monkeypatch.setattr(sandbox, "available", lambda: False)
    with pytest.raises(UserError, match="code_execution"):
        run([GOOD], LIMITS)
    assert run([GOOD], LIMITS, allow_unsafe=True)[0].values == ("42",)
