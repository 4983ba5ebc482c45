"""A run's record, the forecast of its end, and what a terminal, a log and `make status` show."""

import io
import json
import os
import socket
import subprocess
import sys
import time
from itertools import count

import pandas as pd
import pytest
from pipeline import ROOT
from rich.console import Console

from prmscale import configuration
from prmscale.progress.display import Bars, Lines, draw_bars, format_seconds
from prmscale.progress.ending import summarise
from prmscale.progress.forecast import expect_seconds, forecast
from prmscale.progress.run import RECORD, Run

BEGIN = 1000.0


def begin(jobs, **place):
    entries = {
        str(number): {"stage": rule, "rule": rule, "name": name, "expected": expected}
        for number, (rule, name, expected) in enumerate(jobs)
    }
    at = {"time": BEGIN, "host": socket.gethostname(), "process": os.getpid(), **place}
    return {"event": "begin", **at, "jobs": entries}


def happen(event, job, at, **more):
    return {"event": event, "job": str(job), "time": BEGIN + at, **more}


def replay(*events):
    run = Run()
    for event in events:
        run.apply(event)
    return run


def simulate(pace, until):
    """Twenty jobs on two workers, each of which takes `pace` times what is expected of it; what
    happened before `until`, and the seconds at which the last ends."""
    jobs = [("search", str(n), 10.0 + n) for n in range(20)]
    free, events = [0.0, 0.0], [begin(jobs)]
    for number, (_, _, expected) in enumerate(jobs):
        start = min(free)
        end = start + pace * expected
        free[free.index(start)] = end
        events += [happen("started", number, start), happen("finished", number, end)]
    known = [event for event in events if event["time"] <= BEGIN + until]
    return replay(*known), max(free)


@pytest.mark.parametrize("pace", [0.25, 1.0, 7.0])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_the_forecast_finds_the_pace_and_the_number_of_workers(pace, share):
    _, end = simulate(pace, 0)
    run, _ = simulate(pace, share * end)
    told = forecast(run, BEGIN + share * end)
    assert told.left == pytest.approx((1 - share) * end, rel=0.25)
    assert told.done == pytest.approx(share, abs=0.08)


def test_a_rule_of_its_own_pace_does_not_tell_that_of_others():
    jobs = [("search", "a", 10), ("search", "b", 10), ("train", "c", 10), ("train", "d", 10)]
    events = [begin(jobs)]
    for job, rule_took in zip((0, 2), (20, 100), strict=True):
        events += [happen("started", job, 0), happen("finished", job, rule_took)]
    run = replay(*events, happen("started", 1, 100), happen("started", 3, 100))
    assert forecast(run, BEGIN + 100).left == pytest.approx(100)  # of the training, not the mean


def test_a_run_ends_no_sooner_than_its_longest_job():
    jobs = [("search", str(n), 1.0) for n in range(8)] + [("train", "long", 500.0)]
    started = [happen("started", n, 0) for n in range(9)]
    assert forecast(replay(begin(jobs), *started), BEGIN + 100).left == pytest.approx(400)


def test_a_line_that_was_cut_is_left_out(tmp_path):
    record = tmp_path / "run.jsonl"
    events = [begin([("search", "a", 1)]), happen("started", 0, 1), happen("finished", 0, 2)]
    text = "\n".join(map(json.dumps, events))
    record.write_text(text[:-20])
    assert Run.read(record).jobs["0"].state == "running"


def test_a_job_that_failed_and_was_tried_again_is_finished():
    failed = happen("failed", 0, 2, log="x.log")
    run = replay(
        begin([("search", "a", 1)]), failed, happen("started", 0, 3), happen("finished", 0, 5)
    )
    assert [job.took for job in run.in_state("done")] == [2.0] and not run.in_state("failed")


def test_every_rule_that_runs_models_has_an_expectation():
    layers = [ROOT / "config.yaml", ROOT / "workflow/studies/smoke.yaml"]
    expected = expect_seconds(configuration.load_files(layers))
    assert expected["search", "both-m"] > 0 and expected["pretrain_policy", "m.1"] > 0


def print_run(display_type, tmp_path):
    """What a run shows of which one job fails, and the display's console."""
    log = tmp_path / "b.log"
    log.write_text("".join(f"line {n}\n" for n in range(50)) + "10%\r20%\rlast words\n\n")
    console = Console(record=True, width=100, file=io.StringIO())
    display, run = display_type(console), Run()
    run.apply(begin([("search", "a", 5), ("search", "b", 5)]))
    display.begin(run)
    events = [happen("started", 0, 1), happen("finished", 0, 2), happen("started", 1, 2)]
    for event in (*events, happen("failed", 1, 36, log=str(log), said=["status: FAILED"])):
        run.apply(event)
        display.show(event, run)
    display.end(["the [end]"])
    return console.export_text()


@pytest.mark.parametrize("display", [Bars, Lines])
def test_a_failed_job_ends_with_the_last_lines_of_its_log_and_its_path(display, tmp_path):
    shown = print_run(display, tmp_path)
    assert "failed   search b after 34 s" in shown and "b.log" in shown
    assert "status: FAILED" in shown
    assert "last words" in shown and "line 49" in shown and "line 10\n" not in shown
    assert "20%" not in shown and "the [end]" in shown


def test_a_log_has_a_line_for_each_begin_and_end(tmp_path):
    shown = print_run(Lines, tmp_path)
    lines = [line[9:] for line in shown.splitlines()]
    assert lines[:2] == ["2 jobs to run", "started  search a"]
    assert lines[2].startswith("finished search a in 1 s; 1 of 2 jobs, ") and "left" in lines[2]


def test_bars_name_the_stages_the_running_jobs_and_the_time_left():
    jobs = [("search", name, 600.0) for name in "abcd"] + [("figures", "fig1", 4.0)]
    started = [happen("started", n, 0) for n in range(3)]
    console = Console(record=True, width=120, file=io.StringIO())
    console.print(draw_bars(replay(begin(jobs), *started), BEGIN + 60))
    shown = console.export_text()
    assert "0/4" in shown and "search a (60 s), search b (60 s), 1 more" in shown
    assert "0/1" in shown and "about 12 min left" in shown


def test_a_run_that_failed_is_not_done_and_tells_no_time_left():
    jobs = [("search", "a", 10.0), ("search", "b", 10.0)]
    ends = [happen("started", 0, 0), happen("finished", 0, 10)]
    ends += [happen("started", 1, 10), happen("failed", 1, 11, log="")]
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(draw_bars(replay(begin(jobs), *ends), BEGIN + 11))
    last = console.export_text().splitlines()[-1]
    assert "50%" in last and "1 of 2 jobs, 1 failed" in last and "left" not in last


@pytest.mark.parametrize(
    ("seconds", "said"), [(34, "34 s"), (99.4, "99 s"), (240, "4 min"), (12000, "3 h 20 min")]
)
def test_times_are_told_as_people_say_them(seconds, said):
    assert format_seconds(seconds) == said


def status(results):
    return subprocess.run(
        [sys.executable, "-m", "prmscale.progress", results], capture_output=True, text=True
    )


DEAD = 2**22 + 1  # above the largest number of a process
STATES = {
    "running": (
        [begin([("search", "a", 9)], time=time.time()), happen("started", 0, 1)],
        "running",
    ),
    "killed": ([begin([("search", "a", 9)], process=DEAD)], "was killed; `make study STUDY=mine`"),
    "elsewhere": ([begin([("search", "a", 9)], process=DEAD, host="another")], "on another"),
    "failed": (
        [
            begin([("search", "a", 9)]),
            happen("failed", 0, 5, log="a.log"),
            {"event": "end", "time": BEGIN + 60, "succeeded": False},
        ],
        "took 60 s and failed; `make study STUDY=mine` resumes it",
    ),
    "finished": (
        [
            begin([("search", "a", 9)]),
            happen("finished", 0, 5),
            {"event": "end", "time": BEGIN + 600, "succeeded": True},
        ],
        "took 10 min and finished",
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_status_tells_where_the_run_is(name, tmp_path):
    events, said = STATES[name]
    record = tmp_path / "mine" / RECORD
    record.parent.mkdir(parents=True)
    record.write_text("".join(json.dumps(event) + "\n" for event in events))
    done = status(record.parents[1])
    assert done.returncode == 0 and said in done.stdout, done.stdout + done.stderr
    assert ("failed: search a; its log is a.log" in done.stdout) == (name == "failed")


def test_tidy_removes_the_leftovers_of_a_run_that_has_ended_and_empty_folders(tmp_path):
    results = tmp_path / "mine"
    names = ["rewards/gone/replicate1/model.safetensors", "search/gone.parquet"]
    for name in (*names, "search/both.parquet", RECORD):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text("x")
    tidy = [sys.executable, "-m", "prmscale.progress.tidy", results]
    events = [begin([], leftovers=[*names, "search/gone_before.parquet"])]
    (results / RECORD).write_text(json.dumps(events[0]))
    assert subprocess.run(tidy, capture_output=True).returncode == 1
    events.append({"event": "end", "time": BEGIN, "succeeded": True})
    (results / RECORD).write_text("".join(json.dumps(event) + "\n" for event in events))
    assert "2 files" in status(results).stdout and "make tidy STUDY=mine" in status(results).stdout
    done = subprocess.run(tidy, capture_output=True, text=True)
    assert "search/gone.parquet" in done.stdout
    assert not (results / "rewards").exists() and (results / "search/both.parquet").exists()
    assert "all files belong" in subprocess.run(tidy, capture_output=True, text=True).stdout


OTHER = [sys.executable, "-c", "import time; time.sleep(60)", "snakemake"]
UNLOCKED = {  # the record's events, whether Snakemake runs there, whether the lock is taken away
    "killed": ([begin([], process=DEAD)], False, True),
    "killed, and started again": ([begin([], process=DEAD)], True, False),
    "running": ([begin([])], False, False),
    "on another machine": ([begin([], process=DEAD, host="another")], False, False),
    "ended": ([begin([], process=DEAD), {"event": "end", "time": 1, "succeeded": 1}], False, False),
    "without a record": ([], False, False),
}


@pytest.mark.parametrize("name", UNLOCKED)
def test_the_lock_of_a_killed_run_is_taken_away_and_no_other(name, tmp_path):
    events, also_runs, taken = UNLOCKED[name]
    record, lock = tmp_path / "results/mine" / RECORD, tmp_path / ".snakemake/locks/0.input.lock"
    for file in (record, lock):
        file.parent.mkdir(parents=True)
        file.write_text("".join(json.dumps(event) + "\n" for event in events))
    other = subprocess.Popen(OTHER, cwd=tmp_path) if also_runs else None
    try:
        done = subprocess.run(
            [sys.executable, "-m", "prmscale.progress.unlock"], cwd=tmp_path, capture_output=True,
            text=True,
        )  # fmt: skip
    finally:
        if other:
            other.kill()
    assert lock.exists() != taken and ("was killed" in done.stdout) == taken, done.stderr
    assert done.returncode == also_runs and ("kill" in done.stderr) == also_runs
    assert not also_runs or f"(process {other.pid})" in done.stderr


def test_status_without_a_run_says_how_to_start_one(tmp_path):
    done = status(tmp_path / "mine")
    assert done.returncode == 1 and "`make study STUDY=mine` runs it" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_end_tells_verdicts_paths_and_times(tmp_path):
    for name in ("tables", "benchmarks/search"):
        (tmp_path / name).mkdir(parents=True)
    row = {"claim": "math_to_code", "dataset": "programs", "verdict": "not supported"}
    more = [{**row, "headline": True}, {**row, "headline": False, "verdict": "supported"}]
    pd.DataFrame(more).to_csv(tmp_path / "tables/claims.csv", index=False)
    (tmp_path / "claims.md").write_text("")
    for job, seconds in zip("ab", count(60, 60), strict=False):
        (tmp_path / f"benchmarks/search/{job}.tsv").write_text(f"s\tmax_rss\n{seconds}\t100\n")
    said = "\n".join(summarise(tmp_path))
    assert "(e) math_to_code" in said and "not supported (programs)" in said
    assert "(a) flops_tradeoff" in said and "not judged" in said
    assert str(tmp_path / "claims.md") in said and "explorer.html" not in said
    assert "Time of all jobs, 3 min" in said
