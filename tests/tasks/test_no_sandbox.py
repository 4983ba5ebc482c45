"""What holds where no box can be opened: values are compared, and programs run only if the user
says so.
"""

import pytest

from prmscale.errors import UserError
from prmscale.tasks.grading import sandbox
from prmscale.tasks.grading.sandbox import Limits, Program, matches, run

LIMITS = Limits(seconds=1.0, memory_mb=256)
GOOD = Program("def solve(x):\n    return x * 2", ("solve(21)",))


@pytest.mark.parametrize("value", ["9" * 400, "9" * 5000, "[" * 5000 + "]" * 5000, "not json"])
def test_a_value_beyond_all_measure_is_just_wrong(value):
    assert not matches(value, "0.5") and not matches(value, "[1]")


def test_without_a_sandbox_the_rule_refuses(monkeypatch):
    monkeypatch.setattr(sandbox, "is_available", lambda: False)
    with pytest.raises(UserError, match="code_execution"):
        run([GOOD], LIMITS)
    loop, late, ends, printed = (
        Program("while True: pass", ("1",)),
        Program("import time", ("1", "time.sleep(9)", "1"), limit_each=True),
        Program("import os\nos._exit(0)", ("1",)),
        Program("print(2 * int(input()))", inputs=("1", "x")),
    )
    found = run([loop, late, ends, printed, GOOD], LIMITS, allow_unsafe=True)
    assert [o.values for o in found] == [
        (None,),
        ("1", None, None),
        (None,),
        ("2\n", None),
        ("42",),
    ]
