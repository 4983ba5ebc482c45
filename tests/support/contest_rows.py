"""One row of each code benchmark, in its published format."""

import base64
import json
import pickle
import zlib

from prmscale.study import CodeExecution

EXECUTION = CodeExecution()
ADDS = "a, b = map(int, input().split())\nprint(a + b)"
SUMS = "import sys\nprint(sum(map(int, sys.stdin.read().split())))"


def pack(text):
    """Private tests as LiveCodeBench publishes them."""
    return base64.b64encode(zlib.compress(pickle.dumps(text))).decode()


def cases(kind, *pairs):
    return json.dumps([{"input": i, "output": o, "testtype": kind} for i, o in pairs])


STDIN_TESTS = {"inputs": ["1 2\n", "3 4\n", ["5 6"]], "outputs": ["3\n", "7\n", ["11"]]}
CALL_TESTS = {"fn_name": "twice", "inputs": [[[1, 2]], [[]]], "outputs": [[[2, 4]], [[]]]}
TACO_ROW = {
    "question": "Add two numbers.",
    "solutions": json.dumps(["print(input())", ADDS]),
    "starter_code": "",
    "input_output": json.dumps(STDIN_TESTS),
    "difficulty": "MEDIUM",
    "raw_tags": "[]",
    "name": None,
    "source": "codeforces",
    "url": "https://example.org",
}
APPS_ROW = {
    "problem_id": 7,
    "question": "Double every number.",
    "solutions": json.dumps(["def twice(a):\n    return tuple(2 * x for x in a)"]),
    "input_output": json.dumps(CALL_TESTS),
    "difficulty": "interview",
    "url": "https://example.org",
    "starter_code": "def twice(a):\n",
}
CONTEST_ROW = {
    "name": "1_A. Sum",
    "description": "Add all numbers.",
    "public_tests": {"input": ["1 2\n"], "output": ["3\n"]},
    "private_tests": {"input": ["1 2 3\n"], "output": ["6\n"]},
    "generated_tests": {"input": ["4\n5\n"], "output": ["9\n"]},
    "source": 2,
    "difficulty": 7,
    "solutions": {"language": [2, 1, 3], "solution": ["int main() {}", "print raw_input()", SUMS]},
    "incorrect_solutions": {"language": [], "solution": []},
    "cf_rating": 800,
    "cf_tags": ["math"],
    "input_file": "",
    "output_file": "",
}
LCB_ROW = {
    "question_title": "Sum",
    "question_content": "Add two numbers.",
    "platform": "atcoder",
    "question_id": "abc001_a",
    "contest_id": "abc001",
    "contest_date": "2024-01-01T00:00:00",
    "starter_code": "",
    "difficulty": "easy",
    "public_test_cases": cases("stdin", ("1 2\n", "3\n")),
    "private_test_cases": pack(cases("stdin", ("3 4\n", "7\n"))),
    "metadata": "{}",
}
LCB_CALL_ROW = {
    **LCB_ROW,
    "question_id": "3000",
    "platform": "leetcode",
    "starter_code": "class Solution:\n"
    "    def total(self, nums: List[int], k: int) -> List[int]:\n        ",
    "public_test_cases": cases("functional", ("[1, 2]\n3", "[4, 5]")),
    "private_test_cases": cases("functional", ("[]\n1", "[]")),
    "metadata": json.dumps({"func_name": "total"}),
}
BIGCODE_ROW = {
    "task_id": "BigCodeBench/0",
    "complete_prompt": 'import json\n\ndef task_func(x):\n    """\n    As JSON.\n    """\n',
    "instruct_prompt": "As JSON.",
    "canonical_solution": "    return json.dumps(x)",
    "code_prompt": "import json\ndef task_func(x):\n",
    "test": "import unittest\nclass TestCases(unittest.TestCase):\n"
    "    def setUp(self):\n        self.y = 1\n"
    "    def test_list(self):\n        self.assertEqual(task_func([self.y]), '[1]')\n"
    "    def test_text(self):\n        self.assertEqual(task_func('a'), '\"a\"')\n",
    "entry_point": "task_func",
    "doc_struct": "{}",
    "libs": "['json']",
}
_EVALPLUS = """import numpy as np

def is_floats(x) -> bool:
    if isinstance(x, float):
        return True
    if isinstance(x, np.ndarray):
        return x.dtype == np.float64
    return False

def assertion(out, exp, atol):
    exact_match = out == exp
    if atol == 0 and is_floats(exp):
        atol = 1e-6
    if not exact_match and atol != 0:
        np.testing.assert_allclose(out, exp, atol=atol)
    else:
        assert exact_match

"""
HUMANEVALPLUS_ROW = {
    "task_id": "HumanEval/0",
    "prompt": 'def third(x):\n    """ A third.\n    """\n',
    "canonical_solution": "\n    return x / 3\n",
    "entry_point": "third",
    "test": _EVALPLUS + "def check(candidate):\n    inputs = [[1], [3], [True]]\n"
    "    results = [0.3333333, 1.0, 0.33333333]\n"
    "    for i, (inp, exp) in enumerate(zip(inputs, results)):\n"
    "        assertion(candidate(*inp), exp, 0)\n",
}
MBPPPLUS_ROW = {
    "task_id": 2,
    "code": "\ndef similar_elements(a, b):\n  return tuple(set(a) & set(b))\n",
    "prompt": "Write a function to find the shared elements.",
    "source_file": "made up",
    "test_imports": [],
    "test_list": [
        "assert set(similar_elements((3, 4), (5, 4))) == set((4,))",
        "assert set(similar_elements((1, 2), (2, 1))) == set((1, 2))",
    ],
    "test": _EVALPLUS + "inputs = [[(3, 4), (5, 4)], [(1, 2), (2, 1)]]\nresults = [(4,), (1, 2)]\n"
    "for i, (inp, exp) in enumerate(zip(inputs, results)):\n"
    "    assertion(similar_elements(*inp), exp, 0)\n",
}


def load(kind, tmp_path, *rows, execution=EXECUTION, split="test"):
    """The task on a file of these rows, and all problems of a split."""
    (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = kind("set", str(tmp_path / "{split}.jsonl"), execution)
    return task, task.load(split, None, 0)
