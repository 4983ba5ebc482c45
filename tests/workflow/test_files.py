"""Outputs appear whole or not at all, and tables say what is wrong with them."""

import errno
import os
import subprocess
from types import SimpleNamespace

import pandas as pd
import pytest

from prmscale import tables
from prmscale.errors import UserError
from prmscale.files import atomic_write, read_json, write_json
from prmscale.jobs import open_log
from prmscale.progress.follow import Follower

SCORE = {
    "dataset": "d", "problem_id": "p", "solution_id": 0, "step": 0, "text": "t", "truth": 1.0,
    "correct": True, "reward_model": "r", "role": "math", "replicate": 1, "score": 0.5,
}  # fmt: skip


def test_a_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "x.json"
    write_json({"old": 1}, target)
    with pytest.raises(RuntimeError), atomic_write(target) as aside:
        aside.write_text("half")
        raise RuntimeError
    assert read_json(target) == {"old": 1} and list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_whole(tmp_path):
    for content in ("a", "b"):
        with atomic_write(tmp_path / "folder") as aside:
            aside.mkdir()
            (aside / content).touch()
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["b"]


@pytest.mark.parametrize("number", [None, 123], ids=["same number", "another number"])
def test_what_a_killed_process_left_is_removed(tmp_path, number):
    """In a container, numbers of processes recur."""
    left = tmp_path / f".folder.{number or os.getpid()}.partial"
    left.mkdir()
    (left / "half").touch()
    with atomic_write(tmp_path / "folder") as aside:
        aside.mkdir()
    assert list(tmp_path.rglob("*")) == [tmp_path / "folder"]


def test_a_full_disk_is_said_plainly(tmp_path):
    with (
        pytest.raises(UserError, match=r"x\.txt: could not be written .*Free disk space"),
        atomic_write(tmp_path / "x.txt"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def disk(tmp_path):
    """A file system of 64 KB, where one can be mounted."""
    small = tmp_path / "small"
    small.mkdir()
    try:
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
        subprocess.run(mount, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small file system cannot be mounted here")
    yield small
    subprocess.run(["umount", "--lazy", str(small)], check=True)


def test_a_disk_that_is_really_full(disk):
    table = pd.DataFrame({"problem_id": [f"{i}" * 40 for i in range(20000)]})
    with (
        pytest.raises(UserError, match="could not be written"),
        atomic_write(disk / "t.parquet") as aside,
    ):
        table.to_parquet(aside)
    assert list(disk.iterdir()) == []


def test_a_disk_that_becomes_read_only_stops_jobs_and_not_the_record_of_the_run(disk):
    (disk / ".x.7.partial").touch()  # of a killed process
    follower = Follower(disk, None)
    follower.begin({}, [])
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)

    follower.finish(succeeded=False)
    for path in (disk / "x", disk / "folder/x"):
        with pytest.raises(UserError, match=r"could not be written \(Read-only"):
            write_json(1, path)
    with pytest.raises(UserError, match=r"run\.jsonl: could not be written"):
        follower.begin({}, [])
    with pytest.raises(SystemExit, match=r"^search: .*s\.log: could not be written"):
        open_log(SimpleNamespace(rule="search", log=[str(disk / "s.log")]))


def test_a_missing_or_mistyped_column_is_named(tmp_path):
    good = pd.DataFrame([SCORE, SCORE])
    tables.write(good, tmp_path / "scores.parquet", "scores")
    assert tables.read(tmp_path / "scores.parquet", "scores").equals(good)
    with pytest.raises(UserError, match="without the column 'score'"):
        tables.write(good.drop(columns="score"), tmp_path / "x.parquet", "scores")
    with pytest.raises(UserError, match=r"column 'step' holds float64; .* must hold integer"):
        tables.write(good.assign(step=0.5), tmp_path / "x.parquet", "scores")
    assert not (tmp_path / "x.parquet").exists()


def test_a_missing_truncated_or_foreign_file_is_named(tmp_path):
    with pytest.raises(UserError, match="no such table"):
        tables.read(tmp_path / "none.parquet", "scores")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(UserError, match=r"bad\.parquet: not a readable Parquet table"):
        tables.read(tmp_path / "bad.parquet", "scores")
    (tmp_path / "bad.json").write_text('{\n"a": }')
    with pytest.raises(UserError, match=r"bad\.json, line 2"):
        read_json(tmp_path / "bad.json")
