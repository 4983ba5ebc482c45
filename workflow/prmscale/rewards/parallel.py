"""The processes that train one reward model: one, or one for each GPU of the job.

The processes of a group share the weights. On several nodes the job runs on the first of them, and
srun starts one member of the job on each node; a member starts the processes of its node.
"""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, FullyShardedDataParallelPlugin, InitProcessGroupKwargs
from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import ProcessExitedException, spawn

import prmscale
from prmscale.errors import UserError
from prmscale.study import RewardTraining

MEMBER = "from prmscale.rewards.parallel import run_node; run_node()"
# the others wait while the first process loads or writes weights of hundreds of GB
PATIENCE = timedelta(hours=4)


@dataclass(frozen=True)
class _Group:
    """What each process of a group is told: their number, on this and on all nodes, and where they
    meet.
    """

    processes: int
    here: int
    address: str
    port: int
    threads: int


def launch(work: Callable[..., None], processes: int, *arguments: Any, nodes: int = 1) -> None:
    """Run `work(*arguments)` in a group of processes, evenly on the nodes of this SLURM job; one
    process runs it here, and so do several on one node, with or without SLURM.

    `work` and the arguments must be picklable. Raises the first UserError of any process.
    """
    if processes == 1:
        work(*arguments)
        return
    address = "127.0.0.1" if nodes == 1 else socket.gethostname()
    group = _Group(processes, processes // nodes, address, find_port(), torch.get_num_threads())
    if nodes == 1:
        _run_here(0, group, work, arguments)
    else:
        _run_on_nodes(nodes, group, work, arguments)


def find_port() -> int:
    """A free port of this machine."""
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])


def _run_here(first: int, group: _Group, work: Any, arguments: Any) -> None:
    """Run the processes of this node; `first` is the number of the first of them in the group."""
    errors = get_context("spawn").SimpleQueue()
    try:
        spawn(_run_member, (first, group, errors, work, arguments), group.here)
    except ProcessExitedException:
        if errors.empty():
            raise
        raise UserError(errors.get()) from None


def _run_member(local: int, first: int, group: _Group, errors: Any, work: Any, args: Any) -> None:
    """What one process of a group does."""
    place = {
        "RANK": first + local,
        "LOCAL_RANK": local,
        "WORLD_SIZE": group.processes,
        "LOCAL_WORLD_SIZE": group.here,
        "MASTER_ADDR": group.address,
        "MASTER_PORT": group.port,
        "OMP_NUM_THREADS": group.threads,  # else accelerate takes as many as there are cores
    }
    os.environ.update({name: str(value) for name, value in place.items()})
    torch.set_num_threads(group.threads)
    try:
        work(*args)
    except UserError as error:
        errors.put(str(error))
        raise SystemExit(1) from None
    if torch.distributed.is_initialized():
        # a process that ends with open connections to others may be aborted
        torch.distributed.destroy_process_group()


def _run_on_nodes(nodes: int, group: _Group, work: Any, arguments: Any) -> None:
    """Run the processes of all nodes of this job, of which this node is the first.

    The members read what to do from srun's input, and write the message of a UserError to its
    output.
    """
    if "SLURM_JOB_ID" not in os.environ:
        raise UserError(
            f"training needs {group.processes} processes on {nodes} nodes (of {group.here} GPUs: "
            "cluster.gpus_per_node), and this is no SLURM job. Run the study with `--profile "
            "slurm`, or set rewards.training.lora or the reward model's `gpus`"
        )
    command = [
        *("srun", f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1"),
        *(f"--cpus-per-task={group.threads}", "--cpu-bind=none", "--export=ALL"),
        "--kill-on-bad-exit=1",
        *([f"--gpus-per-node={group.here}"] if torch.cuda.is_available() else []),
        *(sys.executable, "-c", MEMBER),
    ]
    package = str(Path(prmscale.__file__).parents[1])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    told = subprocess.run(
        command,
        input=pickle.dumps((group, work, arguments)),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    # between zero bytes, because a cluster may say something of its own
    messages = told.stdout.decode().split("\0")[1::2]
    if told.returncode and messages:
        raise UserError(messages[0])
    told.check_returncode()


def run_node() -> None:
    """Run the processes of one node: what `_run_on_nodes` starts there."""
    answer = os.dup(1)
    os.dup2(2, 1)  # all that is said on the way goes to the job's log
    group, work, arguments = pickle.load(sys.stdin.buffer)
    try:
        _run_here(int(os.environ["SLURM_PROCID"]) * group.here, group, work, arguments)
    except UserError as error:
        os.write(answer, f"\0{error}\0".encode())
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
            plugin = shard(int(os.environ.get("LOCAL_WORLD_SIZE", processes)))
    return Accelerator(
        cpu=device == "cpu",
        mixed_precision="bf16" if settings.dtype == "bfloat16" else "no",
        fsdp_plugin=plugin,
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
    )


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
    """The sharding of weights over all GPUs of a group; raises UserError where this node has too
    few for its `processes`.
    """
    if processes > (here := torch.cuda.device_count()):
        raise UserError(
            f"training needs {processes} GPUs on each of its nodes and this node has {here}: set "
            "cluster.gpus_per_node to the GPUs of a node (above it, training takes several nodes), "
            "rewards.training.lora, or the reward model's `gpus`"
        )
    return FullyShardedDataParallelPlugin(
        fsdp_version=2,
        reshard_after_forward=True,
        auto_wrap_policy="transformer_based_wrap",
        state_dict_type="FULL_STATE_DICT",
        cpu_ram_efficient_loading=True,
    )
