"""Whether this machine's GPU trains, samples and scores as the CPU does, and at what speed.

Run `PYTHONPATH=workflow python tests/gpu/accept.py`: it needs torch, transformers, accelerate,
peft, pandas and pydantic, no network and no model. It prints a table of checks, what each must
find, what it found, and exits with 1 if one fails. `--device cpu` runs the checks that need no GPU,
small.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM, logging

from prmscale.cost.machines import EXPECTED
from prmscale.engines import memory
from prmscale.engines.backends.loading import Weights
from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.backends.transformers_scorer import TransformersScorer
from prmscale.engines.flops import Shape
from prmscale.engines.requests import Extension
from prmscale.policies.pretrain import build, encode, pretrain
from prmscale.rewards.examples import Example, Texts
from prmscale.rewards.parallel import build_accelerator, find_port, shard
from prmscale.rewards.train import Place, load_base, train
from prmscale.study import LadderModel, Pretraining, Prompting, RewardTraining, Sampling, World
from prmscale.tasks.base import Problem
from prmscale.tasks.world.corpus import build_tokenizer, corpus

WORLD = World()
# of the default study: one of its sizes, and the recipe of its reward models with fewer steps
SIZE = LadderModel(name="m", width=64, layers=4, heads=2)
TRAINING = {"steps": 40, "batch": 8, "learning_rate": 0.003, "checkpoints": [25, 50, 75, 100]}


class Row(NamedTuple):
    """One line of the table."""

    check: str
    expected: str
    seen: str
    ok: bool


class Machine(NamedTuple):
    """The device that is checked, a folder for files, and whether it is a GPU."""

    device: str
    folder: Path

    @property
    def is_gpu(self) -> bool:
        """Whether the checks of memory and speed mean anything."""
        return self.device == "cuda"


def documents(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Problems of the world with a solution each."""
    return list(islice(corpus(WORLD, tokens=10**9, seed=seed, math_share=0.5), count))


def examples(count: int) -> list[Example]:
    """Solutions, of which every second has a step with another sign and is wrong from there on."""
    found = []
    for number, (prompt, solution) in enumerate(documents(count, seed=1)):
        steps = solution.split("\n")
        targets = np.ones(len(steps))
        signed = [i for i, step in enumerate(steps) if " + " in step]
        if number % 2 and signed:
            first = signed[0]
            steps[first] = steps[first].replace(" + ", " - ", 1)
            targets[first:] = 0.0
        name = f"arithmetic/train/{number:05d}"
        problem = Problem(name, "math", "train", prompt, "1", None, 3, "arithmetic", "none")
        found.append(Example(problem, 0, tuple(steps), targets, targets, bool(targets[-1])))
    return found


def pretrained(machine: Machine, device: str) -> tuple[Path, list[float]]:
    """The folder of a model that was pre-trained on a device, and its losses at checkpoints."""
    folder, tokenizer = machine.folder / f"pretrained-{device}", build_tokenizer(WORLD)
    model = build(SIZE, tokenizer, seed=0).to(device)
    learnt = encode(tokenizer, documents(1600))
    seen: list[float] = []
    settings = Pretraining(batch=16, checkpoints=[25, 50, 75, 100])
    pretrain(model, learnt, settings, 0, lambda _, record: seen.append(record["loss"]))
    model.cpu().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder, seen


def check_pretraining(machine: Machine) -> Iterator[Row]:
    """The same pre-training on the CPU and on the device."""
    _, here = pretrained(machine, "cpu")
    _, there = pretrained(machine, machine.device)
    gap = max(abs(a - b) for a, b in zip(here, there, strict=True))
    yield Row(
        "pre-training, float32: loss of CPU at checkpoints", "± 0.02", f"{gap:.4f}", gap < 0.02
    )


class Trained(NamedTuple):
    """Mean scores of held-out steps at checkpoints, and the last weights."""

    scores: list[np.ndarray]
    weights: dict[str, torch.Tensor]


def train_one(
    base: Path, folder: Path, device: str, group: Accelerator | None = None, **settings: object
) -> Trained:
    """Train a reward model on a device; keep its weights at every checkpoint."""
    asked = RewardTraining(**{**TRAINING, "optimizer": "adamw", **settings})
    model, tokenizer = load_base(base, seed=0)
    learnt, held_out = Texts.encode(tokenizer, examples(240)), examples(280)[240:]
    items = [(each.problem, each.steps) for each in held_out]
    found: list[np.ndarray] = []
    last: dict[str, torch.Tensor] = {}

    def keep(percent: int, _step: int, _flops: float, weights: object) -> None:
        kept = {name: value.cpu().float().contiguous() for name, value in dict(weights).items()}
        place = folder / str(percent)
        model.save_pretrained(place, state_dict=kept)
        tokenizer.save_pretrained(place)
        scored = TransformersScorer(place, "cpu").score(items)
        found.append(np.concatenate([each.scores for each in scored]))
        last.update(kept)

    if group is None:
        AcceleratorState._reset_state(reset_partial_state=True)  # of the training before
    state = folder / "state"
    state.mkdir(parents=True, exist_ok=True)
    place = Place(group or build_accelerator(device, asked), state)
    train(model, learnt, asked, 0, keep, place)
    return Trained(found, last)


def gap_of(one: Trained, other: Trained) -> float:
    """The largest mean difference of the held-out steps' scores over the checkpoints."""
    pairs = zip(one.scores, other.scores, strict=True)
    return max(float(np.abs(a - b).mean()) for a, b in pairs)


def check_training(machine: Machine) -> Iterator[Row]:
    """One reward training by float32 on the CPU, and in each way on the device."""
    base, device = machine.folder / "pretrained-cpu", machine.device
    here = train_one(base, machine.folder / "plain-cpu", "cpu")
    ways = (
        ("float32", 0.02, {}),
        ("bfloat16", 0.05, {"dtype": "bfloat16"}),
        ("activation checkpointing", 0.02, {"activation_checkpointing": True}),
        ("two parts a batch", 0.02, {"accumulation": 2}),
    )
    for name, most, settings in ways:
        found = train_one(base, machine.folder / name.replace(" ", "-"), device, **settings)
        gap = gap_of(here, found)
        yield Row(f"training, {name}: scores of CPU", f"± {most}", f"{gap:.4f}", gap < most)
    lora = train_one(base, machine.folder / "lora", device, lora={"rank": 4, "alpha": 8})
    spread = float(np.ptp(lora.scores[-1]))
    yield Row("training, LoRA: scores tell steps apart", "> 0.05", f"{spread:.2f}", spread > 0.05)


def train_sharded(base: Path, folder: Path) -> None:
    """One process that shards weights by FSDP2, as a group of several does."""
    place = {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1"}
    os.environ.update({name: str(value) for name, value in place.items()})
    os.environ["MASTER_PORT"] = str(find_port())
    group = Accelerator(mixed_precision="no", fsdp_plugin=shard(1))
    save_file(train_one(base, folder, "cuda", group).weights, folder / "last.safetensors")


def check_sharding(machine: Machine) -> Iterator[Row]:
    """FSDP2 in one process against plain training."""
    if not machine.is_gpu:
        return
    base, folder = machine.folder / "pretrained-cpu", machine.folder / "fsdp"
    process = get_context("spawn").Process(target=train_sharded, args=(base, folder))
    process.start()
    process.join()
    plain = train_one(base, machine.folder / "unsharded", machine.device)
    gap = float("nan")
    if process.exitcode == 0:
        sharded = load_file(folder / "last.safetensors")
        gaps = [(sharded[name] - plain.weights[name]).abs().max().item() for name in plain.weights]
        gap = max(gaps)
    yield Row("training, FSDP2 in one process: weights", "± 0.001", f"{gap:.1e}", gap < 1e-3)


def train_and_die(base: Path, folder: Path, device: str) -> None:
    """Train, and be killed once a state is saved."""

    def watch() -> None:
        while not [path for path in (folder / "state").glob("*") if path.name.isdigit()]:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    train_one(base, folder, device, resume_minutes=1e-9)


def check_resuming(machine: Machine) -> Iterator[Row]:
    """A training that SIGKILL ends goes on to the weights of one that it does not."""
    base, folder = machine.folder / "pretrained-cpu", machine.folder / "killed"
    whole = train_one(base, machine.folder / "whole", machine.device)
    process = get_context("spawn").Process(
        target=train_and_die, args=(base, folder, machine.device)
    )
    process.start()
    process.join()
    resumed = train_one(base, folder, machine.device)
    gaps = [(resumed.weights[n] - whole.weights[n]).abs().max().item() for n in whole.weights]
    was_killed = process.exitcode == -signal.SIGKILL
    seen = f"{max(gaps):.1e}" if was_killed else "was not killed"
    yield Row(
        "training, resumed after SIGKILL: weights", "± 1e-5", seen, was_killed and max(gaps) < 1e-5
    )


def check_engines(machine: Machine) -> Iterator[Row]:
    """Greedy text, log-probabilities and scores of the CPU, in float32."""
    base = machine.folder / "pretrained-cpu"
    asked = [each.problem for each in examples(64)]
    extensions = [Extension(each, (), 1, 0, "end") for each in asked]
    sampling = Sampling(temperature=0, max_tokens=96)
    texts, logprobs = [], []
    for device in ("cpu", machine.device):
        policy = TransformersPolicy("m", Weights(base), Prompting(), sampling, device, seed=0)
        replies = [reply[0] for reply in policy.extend(extensions)]
        texts.append([reply.steps for reply in replies])
        logprobs.append(np.array([reply.logprob for reply in replies]))
    same = sum(a == b for a, b in zip(*texts, strict=True))
    yield Row(
        "sampling: greedy texts of CPU",
        f"{len(asked)} of {len(asked)}",
        str(same),
        same == len(asked),
    )
    gap = float(np.abs(logprobs[0] - logprobs[1]).max())
    yield Row("sampling: log-probabilities of CPU", "± 0.01", f"{gap:.1e}", gap < 0.01)
    items = [(each.problem, each.steps) for each in examples(120)]
    folder = machine.folder / "plain-cpu/100"
    here, there = (TransformersScorer(folder, d).score(items) for d in ("cpu", machine.device))
    gaps = [np.abs(a.scores - b.scores).max() for a, b in zip(here, there, strict=True)]
    yield Row("scoring: scores of CPU", "± 0.001", f"{max(gaps):.1e}", max(gaps) < 1e-3)


def check_memory_and_speed(machine: Machine) -> Iterator[Row]:
    """Memory of a model of 0.3B parameters against the plan, and the share of the card's peak."""
    if not machine.is_gpu:
        return
    config = LlamaConfig(
        vocab_size=32000, hidden_size=1024, intermediate_size=2816, num_hidden_layers=24,
        num_attention_heads=16, num_key_value_heads=16, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(config).to("cuda")
    size, shape = memory.size(config.to_dict()), Shape.from_model(model)
    assert size is not None
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    model.gradient_checkpointing_enable()

    def step(ids: torch.Tensor) -> None:
        with torch.autocast("cuda", torch.bfloat16):
            model(input_ids=ids, labels=ids).loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    torch.cuda.reset_peak_memory_stats()
    one, many = (torch.randint(0, 32000, (rows, 512), device="cuda") for rows in (1, 8))
    _time(lambda: step(one), 3)  # the plan is of weights and state; logits of many tokens are large
    ratio = torch.cuda.max_memory_allocated() / memory.GB / memory.training(size, "adamw").total
    yield Row(
        "memory of AdamW in float32 against the plan", "0.8–1.2", f"{ratio:.2f}", 0.8 < ratio < 1.2
    )
    peak = _peak_flops()
    seconds = _time(lambda: step(many), 10)
    share = 8 * shape.training_flops(512) / seconds / peak
    told = f"{share:.2f} ({8 * 512 / seconds:,.0f} tokens/s)"
    expected = EXPECTED.of_peak["train"]
    planned = f"{expected:.2f} ± half"
    yield Row("training, bfloat16: share of measured peak", planned, told, share > expected / 2)


def _peak_flops() -> float:
    """FLOP/s of a large product of matrices in bfloat16 on this card."""
    a = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    return 2 * 8192**3 / _time(lambda: a @ a, 20)


def _time(work: Callable[[], object], times: int) -> float:
    """Mean seconds of a call, after three calls that are not counted."""
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(times):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / times


CHECKS = (
    check_pretraining, check_training, check_engines, check_sharding, check_resuming,
    check_memory_and_speed,
)  # fmt: skip


def main() -> int:
    """Run all checks and print the table; 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    device = parser.parse_args().device
    card = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or "a CPU"
    print(f"{card}, torch {torch.__version__}\n\n| Check | Expected | Seen | |\n|---|---|---|---|")
    logging.set_verbosity_error()
    failed, started = 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for check in CHECKS:
            try:
                rows = list(check(Machine(device, Path(folder))))
            except Exception as error:  # the other checks still tell something
                rows = [Row(check.__name__, "no error", f"{type(error).__name__}: {error}", False)]
            for row in rows:
                failed += not row.ok
                said = "ok" if row.ok else "FAILED"
                print(f"| {row.check} | {row.expected} | {row.seen} | {said} |", flush=True)
    print(f"\n{time.perf_counter() - started:.0f} seconds, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
