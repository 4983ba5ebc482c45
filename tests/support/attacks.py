"""Hostile programs on one worker, each followed by honest ones; as a script it prints the faults of
all of them.
"""

import json
import tomllib
from pathlib import Path

from prmscale.tasks.grading import sandbox
from prmscale.tasks.grading.sandbox import Limits, Program, matches, run

_CASES = tomllib.loads((Path(__file__).parents[1] / "cases/attacks.toml").read_text())
ATTACKS = {attack["name"]: attack for attack in _CASES["attack"]}
HONEST = {honest["name"]: honest for honest in _CASES["honest"]}
LIMITS = Limits(seconds=0.7, memory_mb=256)
_SETTINGS = (
    "kernel/core_pattern",
    "kernel/hostname",
    "vm/overcommit_memory",
    "kernel/randomize_va_space",
)


def settings():
    """What a program must not have changed on this machine."""
    return [Path("/proc/sys", name).read_text() for name in _SETTINGS]


def faults(attack, honest=tuple(HONEST)):
    """What an attack reached that it must not."""
    before = settings()
    sandbox._cores, cores = (lambda: 1), sandbox._cores
    try:
        programs = [Program(HONEST[name]["source"], (HONEST[name]["call"],)) for name in honest]
        first, *rest = run([Program(attack["source"], ("done",)), *programs], LIMITS)
    finally:
        sandbox._cores = cores
    held = (None,) if attack.get("fails") else ('"held"',)
    found = [] if first.values == held else [f"the attack itself: {first}"]
    found += [
        f"{n}: {o}"
        for n, o in zip(honest, rest, strict=True)
        if not matches(o.values[0], HONEST[n]["value"])
    ]
    return found + (["the machine's settings are others"] if settings() != before else [])


if __name__ == "__main__":
    print(
        json.dumps({name: found for name, attack in ATTACKS.items() if (found := faults(attack))})
    )
