"""Drawing published problems: rows that are left out, for which reason, and what takes their
places.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from needs import boxed

from prmscale.errors import UserError
from prmscale.study import CodeExecution, Dataset, World
from prmscale.tasks.registry import build

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "build_problems.py"
GSM8K = [{"question": f"{i}?", "answer": f"#### {i}"} for i in range(10)]
MATH = [
    {"problem": f"{i}?", "answer": str(i), "unique_id": f"test/algebra/{i}.json"} for i in range(5)
]
HUMANEVAL = [
    {
        "task_id": f"HumanEval/{i}",
        "prompt": "def plus(x):\n",
        "canonical_solution": f"    return x + {i}\n",
        "test": f"def check(candidate):\n    assert candidate(1) == {i + 1}\n",
        "entry_point": "plus",
    }
    for i in range(6)
]
MBPP = [
    {
        "task_id": i,
        "prompt": "Add.",
        "code": f"def plus(x): return x + {i}",
        "test_list": [f"assert plus(1) == {1 + i}"],
    }
    for i in range(6)
]
CONTESTS = [
    {
        "name": f"{i}_A",
        "description": "Double.",
        "public_tests": {"input": ["1"], "output": ["2"]},
        "private_tests": {"input": [], "output": []},
        "generated_tests": {"input": [], "output": []},
        "solutions": {"language": [3], "solution": ["print(2 * int(input()))"]},
    }
    for i in range(6)
]
BIGCODE = [
    {
        "task_id": f"BigCodeBench/{i}",
        "complete_prompt": "import json\n\ndef task_func(x):\n",
        "canonical_solution": "    return json.dumps(x)",
        "test": "import unittest\nclass TestCases(unittest.TestCase):\n"
        "    def test_list(self):\n        self.assertEqual(task_func([1]), '[1]')\n",
        "entry_point": "task_func",
    }
    for i in range(6)
]
BROKEN = {
    "humanevalplus": (HUMANEVAL, {"canonical_solution": "    return 0\n"}, "AssertionError"),
    "mbppplus": (
        [{**row, "test": row["test_list"][0]} for row in MBPP],
        {"code": "def plus(x): 1 / 0"},
        "Zero",
    ),
    "codecontests": (CONTESTS, {"solutions": {"language": [3], "solution": ["print(3)"]}}, ""),
    "bigcodebench": (BIGCODE, {"canonical_solution": "    return 0"}, ""),
}


def task(tmp_path, source, leave_out=(), execution=None, **files):
    for split, rows in files.items():
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = str(tmp_path / "{split}.jsonl")
    dataset = Dataset(name="set", source=source, path=path, leave_out=list(leave_out))
    return build(dataset, World(), execution or CodeExecution())


def prompts(task, count=None, split="test"):
    return [problem.prompt for problem in task.load(split, count, 0)]


@pytest.mark.parametrize(
    ("source", "rows", "named", "index"),
    [
        ("gsm8k", GSM8K, "3", 3),
        ("gsm8k", GSM8K, "test/3", 3),
        ("math500", MATH, "test/algebra/2.json", 2),
    ],
)
def test_a_row_named_in_the_configuration_is_left_out_and_the_others_keep_their_order(
    source, rows, named, index, tmp_path, capsys
):
    everything = prompts(task(tmp_path, source, test=rows))
    without = task(tmp_path, source, [named], test=rows)
    kept = [prompt for prompt in everything if prompt != f"{index}?"]
    assert prompts(without) == kept and prompts(without, 2) == kept[:2]
    assert "named by leave_out in the configuration: 1 (" in capsys.readouterr().out
    with pytest.raises(
        UserError, match=f"{len(rows)} problems are asked for and there are {len(kept)}"
    ):
        without.load("test", len(rows), 0)


def test_an_id_with_its_split_is_that_of_one_split_and_an_id_of_another_split_is_known(tmp_path):
    gsm8k = task(tmp_path, "gsm8k", ["train/3", "test/4"], train=GSM8K, test=GSM8K)
    assert "3?" in prompts(gsm8k) and "4?" not in prompts(gsm8k)
    assert "3?" not in prompts(gsm8k, split="train") and "4?" in prompts(gsm8k, split="train")


@pytest.mark.parametrize("unknown", ["10", "train/1", "GSM8K/1", ""])
def test_an_id_that_no_row_has_is_an_error_that_names_it(unknown, tmp_path):
    with pytest.raises(UserError, match=f"leave_out names {unknown}, which no row of gsm8k has"):
        task(tmp_path, "gsm8k", ["1", unknown], test=GSM8K).load("test", 1, 0)


@boxed
@pytest.mark.parametrize("source", BROKEN)
def test_a_problem_whose_reference_fails_is_left_out_listed_and_made_up_for(
    source, tmp_path, capsys
):
    rows, broken, said = BROKEN[source]
    whole = task(tmp_path, source, test=rows).load("test", None, 0)
    first = int(whole[0].problem_id[-5:])
    rows = [{**row, **broken} if i == first else row for i, row in enumerate(rows)]
    judged = task(tmp_path, source, test=rows)
    assert [p.problem_id for p in judged.load("test", 3, 0)] == [p.problem_id for p in whole[1:4]]
    ((reason, ids),) = judged.left_out.items()
    assert reason.startswith("no published solution passes the tests here") and said in reason
    assert len(ids) == 1 and f"{reason}: 1 ({ids[0]})" in capsys.readouterr().out
    with pytest.raises(
        UserError, match=rf"6 problems .* there are 5 that can be judged .*{ids[0]}.*Ask for fewer"
    ):
        judged.load("test", 6, 0)


@boxed
def test_libraries_that_problems_import_are_tried_first(tmp_path):
    def needing(name):
        return {
            **BIGCODE[0],
            "task_id": name,
            "complete_prompt": f"import {name}.part\n\ndef task_func(x):\n",
        }

    one = task(tmp_path, "bigcodebench", test=[*BIGCODE, needing("nowhere")])
    assert len(one.load("test", None, 0)) == 6
    assert one.left_out == {"needs nowhere (ModuleNotFoundError)": ["nowhere"]}
    most = task(
        tmp_path, "bigcodebench", test=[BIGCODE[0], needing("nowhere"), needing("elsewhere")]
    )
    with pytest.raises(
        UserError,
        match=r"2 of 3 problems need libraries .*elsewhere .*nowhere .*_execution\.packages",
    ):
        most.load("test", None, 0)


@boxed
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "    import urllib.request\n    return "
            "urllib.request.urlopen('http://example.org').read()",
            "the network",
        ),
        ("    import socket\n    return socket.gethostbyname('example.org')", "the network"),
        ("    open('/usr/x', 'w')", "other files"),
        ("    while True: pass", "TimeLimit"),
    ],
)
def test_what_the_box_does_not_give_is_named(body, reason, tmp_path):
    judged = task(
        tmp_path,
        "bigcodebench",
        execution=CodeExecution(seconds=1),
        test=[BIGCODE[0], {**BIGCODE[1], "canonical_solution": body}],
    )
    assert len(judged.load("test", 1, 0)) == 1 and len(judged.load("test", None, 0)) == 1
    assert [why for why in judged.left_out if reason in why], judged.left_out


_JOB = """
import json, runpy, sys
class Named(dict):
    __getattr__ = dict.__getitem__
runpy.run_path(sys.argv[1], {"snakemake": json.loads(sys.argv[2], object_hook=Named)})
"""


def test_the_card_of_a_data_set_lists_what_was_left_out(tmp_path):
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in GSM8K))
    dataset = {
        "name": "set",
        "source": "gsm8k",
        "path": str(tmp_path / "rows.jsonl"),
        "leave_out": ["3"],
        "test": 9,
    }
    facts = {
        "params": {"dataset": dataset, "world": {}, "execution": {}, "seed": 0},
        "wildcards": {"dataset": dataset["name"]},
        "input": [],
        "output": {
            "card": str(tmp_path / "card.json"),
            "problems": str(tmp_path / "problems.parquet"),
        },
        "log": [str(tmp_path / "log")],
        "threads": 1,
        "rule": "build_problems",
    }
    subprocess.run([sys.executable, "-c", _JOB, str(SCRIPT), json.dumps(facts)], check=True)
    left_out = json.loads((tmp_path / "card.json").read_text())["left_out"]
    assert left_out == {"named by leave_out in the configuration": ["3"]}
