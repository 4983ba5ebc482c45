"""Attacks on the box: none gets out, and none changes the verdict of an honest program after it."""

import contextlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attacks
import psutil
import pytest
from needs import boxed

from prmscale.errors import UserError
from prmscale.tasks.grading import sandbox
from prmscale.tasks.grading.sandbox import Limits, Program, run
from prmscale.tasks.grading.worker import Worker

pytestmark = boxed
TESTS = Path(__file__).resolve().parents[1]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run them as another user")


@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_an_attack_reaches_nothing(name):
    assert attacks.faults(attacks.ATTACKS[name]) == []


def test_the_documentation_counts_the_attacks():
    kinds = [attack["kind"] for attack in attacks.ATTACKS.values()]
    words = " ".join((TESTS.parent / "docs/configuration.md").read_text().split())
    counts = ", ".join(f"{kinds.count(kind)} of {kind}" for kind in attacks.KINDS)
    assert f"{len(kinds)} attacks ({counts})" in words


@as_root
@pytest.mark.parametrize("kind", attacks.KINDS)
def test_attacks_reach_nothing_where_another_user_runs_them(kind):
    workflow = TESTS.parent / "workflow"
    script = [sandbox._python("")[0], "-B", str(TESTS / "support" / "attacks.py"), kind]
    shown = [sys.base_prefix, str(workflow), str(TESTS)]
    command = [*sandbox._python(sandbox._USER, "12345", *shown), "--", *script]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(workflow)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {}


@as_root
def test_root_is_given_up_before_a_box_opens(monkeypatch):
    seen = set()
    with ThreadPoolExecutor() as pool:
        monkeypatch.setattr(sandbox, "_cores", lambda: 2)
        running = pool.submit(
            run, [Program("import time\ntime.sleep(0.5)", ("1",))] * 2, attacks.LIMITS
        )
        while not running.done():
            seen |= {user for _, user in _processes()}
    assert len(seen) == 2 and not seen & set(range(65536))


@pytest.mark.parametrize("which", range(4))
def test_the_answers_are_the_same_where_workers_are_killed(which, monkeypatch):
    """Once for each program: bubblewrap, the first process in the box, the worker, its steward."""
    ask, seen = Worker.ask, set()

    def kill():
        while len(processes := list(_processes())) < 5:  # the last is the program
            time.sleep(0.01)
        processes[which][0].kill()

    def ask_and_kill(self, request, seconds):
        if request and request["source"] not in seen:
            seen.add(request["source"])
            pool.submit(kill)
        return ask(self, request, seconds)

    monkeypatch.setattr(Worker, "ask", ask_and_kill)
    monkeypatch.setattr(sandbox, "_cores", lambda: 1)
    programs = [Program(f"import time\ntime.sleep(0.4)\nx = {i}", ("x",)) for i in range(3)]
    with ThreadPoolExecutor() as pool:
        found = run(programs, attacks.LIMITS)
    assert [o.values for o in found] == [("0",), ("1",), ("2",)]


def _processes():
    """The processes of this one's boxes and their users, but those about to give root up. Others
    on the machine may have boxes of their own.
    """
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            boxed = command and (command[0].endswith("bwrap") or sandbox._WORKER in command)
            if boxed and sandbox._USER not in command:
                yield process, process.uids().real


@pytest.mark.parametrize(
    "name",
    [
        "files are left",
        "a daemon kills whatever it meets",
        "a program is started that may regain rights",
    ],
)
def test_where_the_box_allows_no_namespaces_each_program_has_a_box_of_its_own(name, monkeypatch):
    box = sandbox._box
    monkeypatch.setattr(sandbox, "_box", lambda packages: _without(box(packages), "--cap-add"))
    honest = [
        "finds its folders empty",
        "writes files",
        "starts threads",
        "listens on a port and a name",
    ]
    assert attacks.faults(attacks.ATTACKS[name], honest) == []


def _without(command, option):
    at = command.index(option)
    return command[:at] + command[at + 2 :]


@as_root
def test_packages_that_programs_cannot_read_are_an_error(tmp_path):
    packages = tmp_path / "closed" / "packages"
    packages.mkdir(parents=True)
    (packages / "made_up.py").write_text("x = 1")
    packages.parent.chmod(0o700)  # on the way there only root may pass, and that is fine
    limits = Limits(packages=str(packages))
    assert run([Program("import made_up", ("made_up.x",))], limits)[0].values == ("1",)
    (packages / "made_up.py").chmod(0o600)
    with pytest.raises(UserError, match=r"made_up\.py.*chmod -R o\+rX"):
        run([Program("", ("1",))], limits)


def test_boxes_side_by_side_do_not_share_their_limits(monkeypatch):
    monkeypatch.setattr(sandbox, "_cores", lambda: 4)
    threads, bomb = attacks.HONEST["starts threads"], attacks.ATTACKS["processes fork without end"]
    programs = [Program(bomb["source"], ("1",)), Program(threads["source"], (threads["call"],))] * 4
    assert [o.values for o in run(programs, attacks.LIMITS)] == [(None,), (threads["value"],)] * 4
