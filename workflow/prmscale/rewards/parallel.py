"""The processes that train one reward model: one, or one for each GPU of the job.

The processes of a group share the weights.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin
from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import ProcessExitedException, spawn

from prmscale.errors import UserError
from prmscale.study import RewardTraining


@dataclass(frozen=True)
class _Group:
    """What each process of a group is told: their number, where they meet, where errors go."""

    processes: int
    port: int
    threads: int
    errors: Any


def launch(work: Callable[..., None], processes: int, *arguments: Any) -> None:
    """Run `work(*arguments)` in a group of processes on this node; one process runs it here.

    `work` and the arguments must be picklable. Raises the first UserError of any process.
    """
    if processes == 1:
        work(*arguments)
        return
    errors = get_context("spawn").SimpleQueue()
    group = _Group(processes, find_port(), torch.get_num_threads(), errors)
    try:
        spawn(_run_member, (group, work, arguments), processes)
    except ProcessExitedException:
        if errors.empty():
            raise
        raise UserError(errors.get()) from None


def find_port() -> int:
    """A free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _run_member(rank: int, group: _Group, work: Any, arguments: Any) -> None:
    """What one process of a group does."""
    place = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": group.processes,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": group.port,
    }
    os.environ.update({name: str(value) for name, value in place.items()})
    torch.set_num_threads(group.threads)
    try:
        work(*arguments)
    except UserError as error:
        group.errors.put(str(error))
        raise SystemExit(1) from None


def build_accelerator(device: str, settings: RewardTraining) -> Accelerator:
    """How this process trains: alone, or with the others of its group.

    A group shards the weights by FSDP2 on GPUs, and copies them by DDP on CPUs. Raises UserError
    for settings that a group cannot train with.
    """
    plugin, processes = None, int(os.environ.get("WORLD_SIZE", 1))
    if processes > 1:
        _check(settings, processes)
        if device == "cuda":
            plugin = shard(processes)
    mixed = "bf16" if settings.dtype == "bfloat16" else "no"
    return Accelerator(cpu=device == "cpu", mixed_precision=mixed, fsdp_plugin=plugin)


def _check(settings: RewardTraining, processes: int) -> None:
    """Raise UserError for the first setting that several processes cannot train with."""
    wrong = {
        "head": (
            settings.head != "scalar",
            "evidence and implicit heads train on one GPU: set gpus: 1",
        ),
        "ranking_weight": (
            settings.ranking_weight > 0,
            "a ranking loss needs a problem's solutions on one GPU",
        ),
        "optimizer": (
            settings.optimizer != "adamw",
            "Muon needs whole matrices, and the GPUs share them: use adamw",
        ),
    }
    for key, (is_wrong, why) in wrong.items():
        if is_wrong:
            value = getattr(settings, key)
            raise UserError(f"rewards.training.{key} = {value!r} on {processes} GPUs: {why}")


def shard(processes: int) -> FullyShardedDataParallelPlugin:
    """The sharding of weights over the GPUs; raises UserError where this node has too few."""
    if processes > (here := torch.cuda.device_count()):
        raise UserError(
            f"training needs {processes} GPUs on one node and this node has {here}: set "
            "rewards.training.lora, or the reward model's `gpus`"
        )
    return FullyShardedDataParallelPlugin(
        fsdp_version=2,
        reshard_after_forward=True,
        auto_wrap_policy="transformer_based_wrap",
        state_dict_type="FULL_STATE_DICT",
        cpu_ram_efficient_loading=True,
    )
