"""The pipeline's speed beside its peers', in one table (`make bench`).

Runs the benchmarks that `ratios.csv` names one after another. Each ends with lines `ratio NAME:
VALUE`; a value is how many times as fast the pipeline is as what it is compared with, or the share
that it reaches. Prints them beside those on record and fails if one has fallen by more than a
fifth. `python benchmarks/ratios.py record` puts the new ones on record.
"""

import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import psutil

HERE = Path(__file__).parent
RECORD = HERE / "ratios.csv"
TOLERANCE = 0.8  # of the recorded ratio


def tell(name: str, ratio: float) -> None:
    """Print the line of a benchmark that `make bench` reads."""
    print(f"ratio {name}: {ratio:.3g}", flush=True)


def measure(script: str) -> dict[str, float]:
    """Run a benchmark, whose lines go to standard error; its ratios by name."""
    command = [sys.executable, str(HERE / script)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, file=sys.stderr, flush=True)
    if done.returncode:
        raise SystemExit(f"benchmarks/{script} has failed")
    found = re.findall(r"^ratio (\S+): (\S+)$", done.stdout, re.MULTILINE)
    return {name: float(ratio) for name, ratio in found}


def describe_machine() -> str:
    """The processor and its number of cores."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.*)", text)
    name = model[1] if model else platform.processor() or platform.machine()
    return f"{name}, {psutil.cpu_count()} cores"


def find_fallen(table: pd.DataFrame) -> list[str]:
    """The ratios that are below the tolerated share of what is on record."""
    fallen = table["measured"] < TOLERANCE * table["recorded"]
    return list(table.loc[fallen, "ratio"])


def main() -> None:
    """Print the table; put it on record, or fail if a ratio has fallen."""
    table = pd.read_csv(RECORD)
    measured: dict[str, float] = {}
    for script in dict.fromkeys(table["script"]):
        measured |= measure(script)
    table["measured"] = [measured[name] for name in table["ratio"]]  # each must have been told
    shown = table[["what", "against", "measured", "recorded", "goal"]]
    print(shown.to_string(index=False, na_rep="-"))
    if sys.argv[1:] == ["record"]:
        table["recorded"] = table.pop("measured")
        table["machine"], table["date"] = describe_machine(), f"{datetime.now(UTC):%Y-%m-%d}"
        table.to_csv(RECORD, index=False)
    elif fallen := find_fallen(table):
        raise SystemExit(f"more than a fifth below what is on record: {', '.join(fallen)}")


if __name__ == "__main__":
    main()
