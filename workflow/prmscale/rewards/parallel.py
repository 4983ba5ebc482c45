"""The processes that train one reward model: one, or one for each GPU of the job, its weights
sharded among them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin
from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import ProcessExitedException, spawn

from prmscale.errors import UserError
from prmscale.study import RewardTraining


def launch(work: Callable[..., None], processes: int, *arguments: Any) -> None:
    """Run `work(*arguments)` in so many processes of one group on this node, or here if one is
    enough.

    What must be picklable: all of it. Raises the first UserError of any process.
    """
    if processes == 1:
        work(*arguments)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    errors = get_context("spawn").SimpleQueue()
    try:
        spawn(
            _member, (processes, port, torch.get_num_threads(), errors, work, arguments), processes
        )
    except ProcessExitedException:
        if errors.empty():
            raise
        raise UserError(errors.get()) from None


def _member(
    rank: int, processes: int, port: int, threads: int, errors: Any, work: Any, arguments: Any
) -> None:
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "MASTER_PORT": port}
    os.environ.update(
        {"MASTER_ADDR": "127.0.0.1", **{name: str(value) for name, value in place.items()}}
    )
    torch.set_num_threads(threads)
    try:
        work(*arguments)
    except UserError as error:
        errors.put(str(error))
        raise SystemExit(1) from None


def accelerator(device: str, settings: RewardTraining) -> Accelerator:
    """How this process takes part: alone, or with the others of its group (on GPUs by FSDP2, on
    CPUs by DDP).

    Raises UserError for settings that a group cannot train with.
    """
    plugin, processes = None, int(os.environ.get("WORLD_SIZE", 1))
    if processes > 1:
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
                "Muon needs whole matrices, and GPUs share them: use adamw",
            ),
        }
        for key, (is_wrong, why) in wrong.items():
            if is_wrong:
                raise UserError(
                    f"rewards.training.{key} = {getattr(settings, key)!r} on {processes} GPUs: "
                    f"{why}"
                )
        if device == "cuda":
            if processes > (here := torch.cuda.device_count()):
                raise UserError(
                    f"training wants {processes} GPUs on one node and this one has {here}: set "
                    "rewards.training.lora, or the reward model's `gpus`"
                )
            plugin = FullyShardedDataParallelPlugin(
                fsdp_version=2,
                reshard_after_forward=True,
                auto_wrap_policy="transformer_based_wrap",
                state_dict_type="FULL_STATE_DICT",
                cpu_ram_efficient_loading=True,
            )
    mixed = "bf16" if settings.dtype == "bfloat16" else "no"
    return Accelerator(cpu=device == "cpu", mixed_precision=mixed, fsdp_plugin=plugin)
