"""A table with damage anywhere is refused with a message, or is the table that was written."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from prmscale import tables
from prmscale.errors import UserError

ROW = {
    **{"dataset": "d", "problem_id": "p", "solution_id": 0, "text": "t", "truth": 1.0},
    **{"correct": True, "reward_model": "r", "role": "math", "replicate": 1},
}
TABLE = pd.DataFrame([{**ROW, "step": step, "score": step / 7} for step in range(300)])


@given(st.integers(0, 10**6), st.sampled_from(["cut", "flipped", "zeroed", "longer"]))
def test_damage_is_never_read_as_another_table(tmp_path_factory, place, how):
    path = tmp_path_factory.mktemp("table") / "scores.parquet"
    tables.write(TABLE, path, "scores")
    content = bytearray(path.read_bytes())
    at = place % len(content)
    match how:
        case "cut":
            del content[at:]
        case "flipped":
            content[at] ^= 1 << place % 8
        case "zeroed":
            content[at : at + 512] = bytes(len(content[at : at + 512]))
        case "longer":
            content[at:at] = b"x"
    path.write_bytes(content)
    try:
        found = tables.read(path, "scores")
    except UserError as error:
        assert "scores.parquet" in str(error)
        return
    assert found.equals(TABLE)
