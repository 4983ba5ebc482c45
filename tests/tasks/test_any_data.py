"""Whatever a file of problems or solutions holds, it is read or refused with a message."""

import csv
import io
import json

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from prmscale.errors import UserError
from prmscale.policies.recorded import read_recorded
from prmscale.study import CodeExecution, Dataset, RecordedPolicy, World
from prmscale.tasks.base import to_table
from prmscale.tasks.registry import TASKS

# columns of the published formats, with a value that is right
COLUMNS = {
    "gsm8k": {"question": "Two and two?", "answer": "<<2+2=4>>4\n#### 4"},
    "math500": {"problem": "Half?", "solution": r"\boxed{.5}", "answer": "0.5", "level": 3},
    "hendrycks_math": {"problem": "Half?", "solution": r"\boxed{.5}", "level": "Level 3"},
    "aime24": {"id": 1, "problem": "One?", "answer": 7},
    "amc": {"id": 1, "question": "One?", "answer": 7.0},
    "minerva_math": {"question": "One?", "solution": r"\boxed{1}"},
    "olympiadbench": {
        **{"question": "One?", "final_answer": ["$1$"], "context": None, "unit": None},
        **{
            "error": "1e-2",
            "answer_type": "Numerical",
            "subfield": "Algebra",
            "is_multiple_answer": False,
        },
    },
    "gpqa": {
        **{"Question": "One?", "Correct Answer": "a", "Incorrect Answer 1": "b"},
        **{"Incorrect Answer 2": "c", "Incorrect Answer 3": "d", "Record ID": "r"},
    },
    "mmlu_pro": {"question_id": 1, "question": "One?", "options": ["a", "b"], "answer_index": 0},
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([10**400, float("nan"), float("inf"), -0.5, "", "\ud800", "\x00", "1", "x"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["solution", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)
SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")


def change(row, changes, lost):
    """A row with other values in some columns, and without one."""
    columns = list(row)
    changed = {**row, **{columns[at % len(row)]: value for at, value in changes}}
    changed.pop(columns[lost] if lost < len(columns) else None, None)
    return changed


def to_bytes(rows, suffix):
    """The rows as a file of this kind."""
    if suffix == ".jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    if suffix == ".json":
        return json.dumps(rows).encode()
    if suffix == ".csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode(errors="replace")
    texts = [{key: str(value).replace("\ud800", "?") for key, value in row.items()} for row in rows]
    return pd.DataFrame(texts).to_parquet()


def damage(content, at, what):
    """The content with other bytes somewhere, or without its end."""
    place = at % (len(content) + 1)
    return content[:place] + what + content[place + len(what) :] if what else content[:place]


CHANGES = st.lists(st.tuples(st.integers(0, 9), VALUES), max_size=3)
DAMAGES = st.lists(
    st.tuples(st.integers(0, 9999), st.sampled_from([b"", b"\xff", b"\x00", b"[", b'"', b"\n"])),
    max_size=2,
)
BOM = st.booleans()


@given(
    st.sampled_from(sorted(COLUMNS)),
    st.sampled_from(SUFFIXES),
    CHANGES,
    st.integers(0, 12),
    DAMAGES,
    BOM,
)
def test_a_file_of_problems_is_read_or_refused(
    tmp_path_factory, source, suffix, changes, lost, damages, bom
):
    row = COLUMNS[source]
    content = to_bytes([change(row, changes, lost), row, row], suffix)
    for at, what in damages:
        content = damage(content, at, what)
    path = tmp_path_factory.mktemp("rows") / f"rows{suffix}"
    path.write_bytes(b"\xef\xbb\xbf" * bom + content)
    dataset = Dataset(name="d", source=source, path=str(path), test=1)
    try:
        problems = TASKS[source](dataset, World(), CodeExecution()).load("test", None, 0)
    except UserError as error:
        assert "rows" in str(error) or "d" in str(error)
        return
    to_table(problems).to_parquet()


@given(CHANGES, st.integers(0, 2), DAMAGES)
def test_a_file_of_solutions_is_read_or_refused(tmp_path_factory, changes, lost, damages):
    row = {"question": "Two and two?", "solutions": ["4", "5"]}
    content = to_bytes([change(row, changes, lost), row], ".jsonl")
    for at, what in damages:
        content = damage(content, at, what)
    path = tmp_path_factory.mktemp("rows") / "solutions.jsonl"
    path.write_bytes(content)
    try:
        found = read_recorded(RecordedPolicy(name="p", path=str(path)))
    except UserError:
        return
    json.dumps(found, ensure_ascii=False).encode()
