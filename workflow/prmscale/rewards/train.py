"""Training of a process reward model: a head on a language model, read at each step's end.

The trained model is an `AutoModelForTokenClassification` with one label. The sigmoid of its logit
at a step's last token is the probability that the solution is right so far.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count, islice, pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, broadcast
from torch import nn
from tqdm import tqdm
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from prmscale import seeds
from prmscale.engines import heads
from prmscale.engines.backends.loading import load_pretrained
from prmscale.engines.finite import DIVERGED, require_finite
from prmscale.policies.muon import cosine, optimizers
from prmscale.policies.pretrain import bucket
from prmscale.rewards import losses
from prmscale.rewards.examples import Texts
from prmscale.rewards.lora import add_adapters, merge_adapters
from prmscale.rewards.parallel import build_accelerator
from prmscale.rewards.reader import Reader
from prmscale.study import RewardTraining

Keep = Callable[[int, int, float, Mapping[str, torch.Tensor] | None], None]


def load_base(
    folder: str | Path, seed: int, revision: str | None = None, head: str = "scalar"
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A base model in float32 with a fresh head (seeded), and its tokenizer."""
    tokenizer = load_pretrained(AutoTokenizer, folder, revision=revision)
    if head != "scalar":
        base = load_pretrained(AutoModelForCausalLM, folder, revision=revision, dtype=torch.float32)
        torch.manual_seed(seeds.seed_of(seed, "head") % 2**63)
        return heads.add_head(head, base), tokenizer
    torch.manual_seed(seeds.seed_of(seed, "head") % 2**63)
    config = load_pretrained(
        AutoConfig,
        folder,
        revision=revision,
        num_labels=1,
        id2label={0: "right"},
        label2id={"right": 0},
    )
    config.classifier_dropout = 0.0
    model = load_pretrained(
        AutoModelForTokenClassification,
        folder,
        revision=revision,
        config=config,
        dtype=torch.float32,
    )
    return model, tokenizer


def base_parameters(model: PreTrainedModel) -> int:
    """Parameters of the language model below a head; with a scalar head, the head's few too."""
    return sum(p.numel() for p in getattr(model, "frozen", model).parameters())


@dataclass(frozen=True)
class Place:
    """The group of processes that trains, and the folder where it saves its state, if any."""

    group: Accelerator
    state: Path | None = None


def train(
    model: PreTrainedModel,
    texts: Texts,
    settings: RewardTraining,
    seed: int,
    keep: Keep,
    place: Place | None = None,
) -> None:
    """Train in place; call `keep(percent, step, FLOPs so far, weights)` at each checkpoint.

    With 0 steps `keep` is called once, without weights. Epochs follow one another until
    `settings.steps` are done; each is shuffled and bucketed by length. Every process of a group
    calls this function with the same arguments but its own `place` (by default one process on the
    CPU). The processes share the solutions of a step; the losses are those of one process, up to
    rounding.

    The state is saved every `settings.resume_minutes`. Training resumes from a saved state and
    comes to the same weights as without the interruption.
    """
    place = place or Place(build_accelerator("cpu", settings))
    group = place.group
    # else the model of the training before would be saved and loaded with this one's state
    group.free_memory()
    # sharded weights are never whole on a GPU
    whole = model if group.distributed_type == DistributedType.FSDP else model.to(group.device)
    if settings.steps == 0:
        keep(100, 0, 0.0, None)
        return
    if settings.activation_checkpointing:
        whole.activation_checkpointing_enable()
    trained: nn.Module = add_adapters(whole, settings.lora) if settings.lora else whole
    prepared, *optimisers = group.prepare(
        trained, *optimizers(trained, settings.learning_rate, settings.optimizer)
    )
    reader = Reader(group.unwrap_model(prepared), texts, prepared, _keeps_problems_whole(settings))
    saved = _Saved(group, place.state, settings.resume_minutes)
    begin = saved.resume()
    due = {
        max(1, round(settings.steps * percent / 100)): percent for percent in settings.checkpoints
    }
    batches = islice(_batches(texts, settings, seed), settings.steps)
    prepared.train()
    with _progress_bar(settings.steps, begin) as bar:
        for step, batch in enumerate(batches):
            reader.meet(batch)
            if step < begin:
                continue
            _set_learning_rate(optimisers, settings.learning_rate * cosine(step, settings.steps))
            loss = _backward(group, prepared, reader, texts, batch, settings)
            require_finite(loss, f"the loss of step {step + 1}", DIVERGED)
            _descend(group, prepared, optimisers)
            if step % 20 == 0:
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update()
            if step + 1 in due:
                prepared.eval()
                keep(due[step + 1], step + 1, reader.flops, _weights(group, prepared, settings))
                prepared.train()
            saved.save(step + 1)
    prepared.eval()


def _progress_bar(steps: int, begin: int) -> tqdm:
    return tqdm(total=steps, initial=begin, desc="reward model", unit="step", mininterval=5)


def _set_learning_rate(optimisers: Sequence[Any], rate: float) -> None:
    """Set the rate of every group of parameters."""
    for optimiser in optimisers:
        for parameters in optimiser.param_groups:
            parameters["lr"] = rate


def _descend(group: Accelerator, prepared: nn.Module, optimisers: Sequence[Any]) -> None:
    """One step along the gradients, whose norm is clipped to 1; the gradients are cleared."""
    group.clip_grad_norm_(prepared.parameters(), 1.0)
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)


def _weights(
    group: Accelerator, prepared: nn.Module, settings: RewardTraining
) -> dict[str, torch.Tensor]:
    """The whole weights as they are now, adapters merged."""
    weights: dict[str, torch.Tensor] = group.get_state_dict(prepared)
    return merge_adapters(weights, settings.lora) if settings.lora else weights


class _Saved:
    """The latest state of a training: a folder inside `folder`, named by its step, written whole or
    not at all.
    """

    def __init__(self, group: Accelerator, folder: Path | None, minutes: float) -> None:
        self.group, self.folder, self.seconds, self.last = group, folder, 60 * minutes, monotonic()

    def resume(self) -> int:
        """Load weights and optimisers if there is a state; returns the steps done."""
        step = max(map(int, self._steps()), default=0)
        if self.folder and step:
            self.group.load_state(str(self.folder / str(step)))
        return step

    def _steps(self) -> list[str]:
        return [p.name for p in self.folder.glob("*") if p.name.isdigit()] if self.folder else []

    def save(self, step: int) -> None:
        """Save the state if the last one is old; all processes follow the first process's clock."""
        if self.folder is None:
            return
        old = torch.tensor(float(monotonic() - self.last > self.seconds), device=self.group.device)
        if self.group.num_processes > 1:
            broadcast(old)
        if not old:
            return
        aside = self.folder / f"{step}.partial"
        self.group.save_state(str(aside))
        self.group.wait_for_everyone()
        if self.group.is_main_process:
            before = self._steps()
            aside.rename(self.folder / str(step))
            for name in before:
                shutil.rmtree(self.folder / name)
        self.last = monotonic()


def _batches(texts: Texts, settings: RewardTraining, seed: int) -> Iterator[list[int]]:
    """Batches of one epoch after the other, without end."""
    for epoch in count():
        yield from reversed(epoch_batches(texts, settings, seeds.seed_of(seed, "epoch", epoch)))


def _backward(
    group: Accelerator,
    prepared: nn.Module,
    reader: Reader,
    texts: Texts,
    batch: Sequence[int],
    settings: RewardTraining,
) -> float:
    """Gradients of the batch's loss; returns the loss of this process's part.

    The loss is a mean over supervised steps. The parts of a batch have unequal numbers of them, so
    a part's weight is its number of supervised steps. Gradients are averaged over the processes, so
    weights are multiplied by the number of processes.
    """
    targets = {i: int((~np.isnan(texts.examples[i].targets)).sum()) for i in batch}
    shares = group.num_processes * settings.accumulation
    # neighbours may share prefixes, which a part reads once
    cuts = [len(batch) * n // shares for n in range(shares + 1)]
    parts = [batch[begin:end] for begin, end in pairwise(cuts)]
    parts = parts[group.process_index :: group.num_processes]
    total = 0.0
    for number, part in enumerate(parts):
        # the other processes wait for this one, so without a solution it reads one of weight 0
        chosen = part or batch[:1]
        weight = group.num_processes * sum(targets[i] for i in part) / sum(targets.values())
        is_last = number + 1 == len(parts)
        with nullcontext() if is_last else group.no_sync(prepared):
            loss = _loss(reader.logits(chosen), texts.select(chosen), settings)
            group.backward(loss * weight)
        total += loss.item() * weight
    return total


def _keeps_problems_whole(settings: RewardTraining) -> bool:
    """Whether a batch holds all solutions of its problems. For a ranking loss it must: else it
    would hardly have pairs of a right and a wrong solution of the same problem.
    """
    return settings.whole_problems or settings.ranking_weight > 0


def epoch_batches(texts: Texts, settings: RewardTraining, seed: int) -> list[list[int]]:
    """Indices of one epoch in batches of about `settings.batch` solutions of similar lengths.

    `seed` determines the order.
    """
    lengths = [len(text.ids) for text in texts.encoded]
    if not _keeps_problems_whole(settings):
        return bucket(lengths, settings.batch, seed)
    by_problem: dict[str, list[int]] = {}
    for i, example in enumerate(texts.examples):
        by_problem.setdefault(example.problem.problem_id, []).append(i)
    groups = list(by_problem.values())
    together = max(1, round(settings.batch * len(groups) / len(texts.examples)))
    longest = [max(map(lengths.__getitem__, group)) for group in groups]
    batches = []
    for numbers in bucket(longest, together, seed):
        batches.append([i for number in numbers for i in groups[number]])
    return batches


def _loss(logits: torch.Tensor, texts: Texts, settings: RewardTraining) -> torch.Tensor:
    """BCE at supervised steps plus the weighted ranking loss, of logits [solutions, steps]."""
    targets = torch.full(logits.shape, float("nan"))
    for row, example in enumerate(texts.examples):
        targets[row, : len(example.targets)] = torch.tensor(example.targets, dtype=torch.float32)
    loss = losses.binary_cross_entropy(logits, targets.to(logits.device))
    if settings.ranking_weight:
        loss = loss + settings.ranking_weight * _ranking_loss(logits, texts)
    return loss


def _ranking_loss(logits: torch.Tensor, texts: Texts) -> torch.Tensor:
    """Ranks solutions by their logit at the last step, whichever steps BCE supervises.

    A solution is right if its answer is (`correct`).
    """
    last = logits[torch.arange(len(logits)), [len(example.steps) - 1 for example in texts.examples]]
    names = [example.problem.problem_id for example in texts.examples]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    problem = torch.tensor([numbers[name] for name in names])
    right = torch.tensor([bool(example.correct) for example in texts.examples])
    return losses.ranking(last, right.to(logits.device), problem.to(logits.device))
