"""The checks of a GPU, tried on the CPU where they need none."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("accept.py")


def test_every_check_that_needs_no_gpu_passes_on_the_cpu():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--device", "cpu"],
        capture_output=True,
        text=True,
        env=os.environ | {"TQDM_DISABLE": "1", "PYTHONPATH": str(SCRIPT.parents[2] / "workflow")},
    )
    lines = [line for line in done.stdout.splitlines() if line.endswith(("| ok |", "| FAILED |"))]
    assert done.returncode == 0, done.stdout
    assert len(lines) == 10 and all("ok" in line for line in lines)
