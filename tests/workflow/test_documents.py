"""Results that README and docs tell are those of the tables beside them."""

import importlib.util
import re
import shutil

import pytest
from pipeline import ROOT

SPEC = importlib.util.spec_from_file_location("passages", ROOT / "docs/passages.py")
assert SPEC is not None and SPEC.loader is not None
passages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(passages)
INTERVAL = re.compile(r"\d %? ?\[[-−+]?[\d.]+,")  # 12.3 [10, 15]


@pytest.mark.parametrize("path", passages.FILES, ids=lambda path: path.name)
def test_results_in_documents_are_those_of_the_tables(path):
    text = path.read_text(encoding="utf-8")
    assert passages.PASSAGE.search(text), "no passage of results is left"
    assert passages.write(text) == text, "the tables say something else: run `make docs`"


@pytest.mark.parametrize("path", passages.FILES, ids=lambda path: path.name)
def test_no_interval_is_written_by_hand(path):
    by_hand = passages.PASSAGE.sub("", path.read_text(encoding="utf-8"))
    assert not INTERVAL.findall(by_hand)


def test_another_table_makes_another_passage(tmp_path):
    shutil.copytree(ROOT / "docs/laptop", tmp_path / "laptop")
    table = tmp_path / "laptop/controls.csv"
    text = "<!-- results: selections laptop -->\n<!-- end of results -->"
    before = passages.write(text, tmp_path)
    table.write_text(re.sub(r"(one sample,control,1),0\.\d+", r"\1,0.999", table.read_text()))
    assert "| one sample | 99.9 [" in passages.write(text, tmp_path) and "99.9" not in before
