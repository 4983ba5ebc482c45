"""What every script of a rule does around its work: the log, the threads, and errors for people."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prmscale.errors import UserError

VLLM_PYTHON = Path(".venv-vllm/bin/python")  # `make vllm` sets it up beside the Snakefile


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Send all output to the rule's log, use the rule's threads, and end with a message where the
    input is at fault.

    Every number of a study is the same whatever the machine's cores: a job's threads come from the
    configuration.
    """
    _enter_environment(snakemake)
    # a search holds millions of small objects without cycles; looking through them was a quarter of
    # its time
    gc.set_threshold(200_000, 20, 20)
    _keep_freed_memory()
    terminal = os.dup(2)
    with open(snakemake.log[0], "w", buffering=1) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        if "torch" in sys.modules:
            import torch

            torch.set_num_threads(snakemake.threads)
        try:
            yield
        except UserError as error:
            message = f"\n{snakemake.rule}: {error}\n"
            print(message, file=sys.stderr)
            os.write(terminal, message.encode())
            raise SystemExit(1) from None
        except Exception:
            traceback.print_exc()
            os.write(terminal, traceback.format_exc().encode())
            raise SystemExit(1) from None
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


def _keep_freed_memory() -> None:
    """Let glibc keep what tensors leave for the next ones: new pages, each zeroed by the system,
    take a tenth of the time of training small models. Other C libraries go on as they do.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        m_trim_threshold, m_mmap_threshold = -1, -3
        mallopt(m_mmap_threshold, 32 * 2**20)  # the most that it takes
        mallopt(m_trim_threshold, 2**31 - 1)


def require_vllm() -> None:
    """Raise UserError where a job would find no vLLM: neither in this Python nor in .venv-vllm."""
    if find_spec("vllm") is None and not VLLM_PYTHON.exists():
        raise UserError(
            "an engine of the configuration is vllm, and there is no vLLM here; `make vllm` sets "
            "up .venv-vllm. An environment that has it can be linked there; the engine "
            "transformers needs none."
        )


def _enter_environment(snakemake: Any) -> None:
    """Start a script that runs a model by vLLM again in .venv-vllm, if its Python lacks vLLM and
    that folder exists.
    """
    engines = snakemake.params.get("engine"), snakemake.params.get("sampling", {}).get("engine")
    if "vllm" not in engines or find_spec("vllm") or not VLLM_PYTHON.exists():
        return
    if os.path.samefile(sys.prefix, VLLM_PYTHON.parents[1]):
        return  # it is there already: an environment that is half made, which the engine will say
    python = str(
        VLLM_PYTHON.absolute()
    )  # not resolved: the link is what makes it that environment's Python
    os.execv(python, [python, *sys.argv])
