"""Hostile programs on one worker, each between honest ones; as a script (`attacks.py KIND`) it
prints the faults of all of a kind.
"""

import contextlib
import ctypes
import json
import os
import platform
import secrets
import socket
import sys
import tempfile
import tomllib
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

from prmscale.tasks.grading import sandbox
from prmscale.tasks.grading.sandbox import Limits, Program, matches, run

KINDS = ("forging", "escape", "exhaustion", "contamination")
_CASES = Path(__file__).parents[1] / "cases/attacks"


def _read(name, table):
    rows = tomllib.loads((_CASES / f"{name}.toml").read_text())[table]
    return {row["name"]: {**row, "kind": name} for row in rows}


ATTACKS = {name: attack for kind in KINDS for name, attack in _read(kind, "attack").items()}
HONEST = _read("honest", "honest")
LIMITS = Limits(seconds=1.0, memory_mb=256)
_SETTINGS = (
    "kernel/core_pattern",
    "kernel/hostname",
    "vm/overcommit_memory",
    "kernel/randomize_va_space",
)


def settings():
    """What a program must not have changed on this machine."""
    return [Path("/proc/sys", name).read_text() for name in _SETTINGS]


@contextlib.contextmanager
def baits(secret):
    """Where a secret lies outside the box, and the sockets that nobody in it may reach."""
    name = f"bait-{secrets.token_hex(4)}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        (folder / "bait").write_text(secret)
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0)))]
        for address in (f"\0{name}", str(folder / "socket")):
            listeners.append(stack.enter_context(socket.socket(socket.AF_UNIX)))
            listeners[-1].bind(address)
            listeners[-1].listen()
        (folder / "socket").chmod(0o777)
        shared = SharedMemory(name, create=True, size=64)
        stack.callback(shared.unlink)
        stack.callback(shared.close)
        key = _share(stack, secret)
        _keep_key(secret)
        os.environ["BAIT"] = secret
        stack.callback(os.environ.pop, "BAIT")
        where = {"file": str(folder / "bait"), "socket": str(folder / "socket")}
        where |= {"port": listeners[0].getsockname()[1], "name": f"\0{name}"}
        yield {**where, "key": key, "process": os.getpid()}, listeners


def _share(stack, secret):
    """Leave the secret in shared memory of System V until the stack ends; its key."""
    c, key = ctypes.CDLL(None), secrets.randbelow(1 << 30) + 1
    c.shmat.restype = ctypes.c_void_p
    number = c.shmget(key, 64, 0o1666)
    ctypes.memmove(c.shmat(number, None, 0), secret.encode(), len(secret))
    stack.callback(c.shmctl, number, 0, None)
    return key


def _keep_key(secret):
    """Keep the secret as a key of this session, as a login keeps Kerberos tickets."""
    add, control = {"x86_64": (248, 250), "aarch64": (217, 219)}[platform.machine()]
    c = ctypes.CDLL(None)
    c.syscall(control, 1, None)  # a session of its own
    c.syscall(add, b"user", b"bait", secret.encode(), len(secret), -3)


def faults(attack, honest=tuple(HONEST)):
    """What an attack reached that it must not."""
    before, secret = settings(), f"secret-{secrets.token_hex(8)}"
    sandbox._cores, cores = (lambda: 1), sandbox._cores
    try:
        with baits(secret) as (bait, listeners):
            programs = [
                Program(f"def solve(): return {secret!r}", ("solve()",)),
                Program(f"BAIT = {bait!r}\n{attack['source']}", ("done",)),
                *(Program(HONEST[name]["source"], (HONEST[name]["call"],)) for name in honest),
            ]
            first, hostile, *rest = run(programs, LIMITS)
            found = [f"reached: {one}" for one in listeners if _was_reached(one)]
    finally:
        sandbox._cores = cores
    found += [] if first.values == (json.dumps(secret),) else [f"the program before: {first}"]
    found += [] if _is_held(attack, hostile, secret) else [f"the attack itself: {hostile}"]
    for name, outcome in zip(honest, rest, strict=True):
        right = matches(outcome.values[0], HONEST[name]["value"])
        if right == HONEST[name].get("wrong", False) or outcome.error:
            found.append(f"{name}: {outcome}")
    return found + (["the machine's settings are others"] if settings() != before else [])


def _is_held(attack, outcome, secret):
    """Whether an attack ended as its row says, without the secret."""
    if attack.get("claims"):
        return secret not in str(outcome)
    return outcome.values == ((None,) if attack.get("fails") else ('"held"',))


def _was_reached(listener):
    """Whether somebody has connected."""
    listener.setblocking(False)
    try:
        listener.accept()
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    names = [name for name, attack in ATTACKS.items() if attack["kind"] == sys.argv[1]]
    print(json.dumps({name: found for name in names if (found := faults(ATTACKS[name]))}))
