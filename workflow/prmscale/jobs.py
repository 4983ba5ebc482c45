"""What every script of a rule does around its work: the log, the threads, and errors for people."""

from __future__ import annotations

import gc
import hashlib
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prmscale.errors import UserError


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Send all output to the rule's log, use the rule's threads, and end with a message where the input is at fault.

    Every number of a study is the same whatever the machine's cores: a job's threads come from the configuration.
    """
    _enter_environment(snakemake)
    # a search holds millions of small objects without cycles; looking through them was a quarter of its time
    gc.set_threshold(200_000, 20, 20)
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


def _enter_environment(snakemake: Any) -> None:
    """Start a script that samples by vLLM again in .venv-vllm, if its own Python lacks vLLM and that folder exists."""
    sampling, python = snakemake.params.get("sampling", {}), os.path.abspath(".venv-vllm/bin/python")
    if sampling.get("engine") == "vllm" and find_spec("vllm") is None and os.path.exists(python):
        os.execv(python, [python, *sys.argv])


def shards_of(output: Path, *parts: Any) -> Path:
    """The folder of an output's shards; its name changes with the settings and input files that they depend on."""
    return output.parent / ".shards" / f"{output.stem}-{fingerprint(*parts)}"


def fingerprint(*parts: Any) -> str:
    """A short hash of settings and input files (by content), to tell whether half-done work still fits."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            files = sorted(p for p in part.rglob("*") if p.is_file()) if part.is_dir() else [part]
            for file in files:
                digest.update(file.read_bytes())
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()[:16]
