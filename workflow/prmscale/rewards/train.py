"""Training of a process reward model: a head on a language model, read at each step's end.

What comes out is an `AutoModelForTokenClassification` folder with one label; the sigmoid of its
logit at a step's last token is the probability that the solution is right so far.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, broadcast
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
from prmscale.policies.muon import cosine, optimizers
from prmscale.policies.pretrain import bucket
from prmscale.rewards import losses
from prmscale.rewards.examples import Example
from prmscale.rewards.lora import adapted, merged
from prmscale.rewards.parallel import accelerator
from prmscale.rewards.reader import Reader
from prmscale.study import RewardTraining
from prmscale.tasks.steps import Encoded

Keep = Callable[[int, int, float, Mapping[str, torch.Tensor] | None], None]


def load_base(
    folder: str | Path, seed: int, revision: str | None = None, head: str = "scalar"
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A base model in float32 with a fresh head (seeded), and its tokenizer."""
    tokenizer = load_pretrained(AutoTokenizer, folder, revision=revision)
    if head != "scalar":
        base = load_pretrained(AutoModelForCausalLM, folder, revision=revision, dtype=torch.float32)
        torch.manual_seed(seeds.seed_of(seed, "head") % 2**63)
        return heads.on_base(head, base), tokenizer
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
    """Parameters of the language model below a head (of a scalar head's model: all, its own few
    included).
    """
    return sum(p.numel() for p in getattr(model, "frozen", model).parameters())


def train(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
    settings: RewardTraining,
    seed: int,
    keep: Keep,
    own: Accelerator | None = None,
    state: Path | None = None,
) -> None:
    """Train in place; call `keep(percent, step, FLOPs so far, weights)` at each checkpoint, once if
    there are no steps.

    `encoded[i]` is `examples[i]` as the model reads it. Epochs follow one another until
    `settings.steps` are done; each is shuffled and bucket by length. Every process of a group
    calls this with the same arguments and its `own` accelerator (one on the CPU if left out), and a
    step's solutions are shared among them; the losses are those of one process, up to rounding.

    In the folder `state` the training is kept every `settings.resume_minutes` and goes on from
    there, to the same weights as if it had not been interrupted.
    """
    own = own or accelerator("cpu", settings)
    # of the training before, which would be kept and loaded with this one's state
    own.free_memory()
    # sharded weights never stand whole on a GPU
    whole = model if own.distributed_type == DistributedType.FSDP else model.to(own.device)
    if settings.steps == 0:
        keep(100, 0, 0.0, None)
        return
    if settings.activation_checkpointing:
        whole.activation_checkpointing_enable()
    trained: torch.nn.Module = adapted(whole, settings.lora) if settings.lora else whole
    prepared, *optimisers = own.prepare(
        trained, *optimizers(trained, settings.learning_rate, settings.optimizer)
    )
    reader = Reader(own.unwrap_model(prepared), tokenizer, encoded, prepared)
    saved = _Saved(own, state, settings.resume_minutes)
    begin = saved.resume()
    due = {
        max(1, round(settings.steps * percent / 100)): percent for percent in settings.checkpoints
    }

    def weights() -> dict[str, torch.Tensor]:
        found: dict[str, torch.Tensor] = own.get_state_dict(prepared)
        return merged(found, settings.lora) if settings.lora else found

    prepared.train()
    batches = _batches(examples, encoded, settings, seed)
    with tqdm(
        total=settings.steps, initial=begin, desc="reward model", unit="step", mininterval=5
    ) as bar:
        for step, batch in zip(range(settings.steps), batches, strict=False):
            reader.meet(batch)
            if step < begin:
                continue
            for optimiser in optimisers:
                for group in optimiser.param_groups:
                    group["lr"] = settings.learning_rate * cosine(step, settings.steps)
            loss = _backward(own, prepared, reader, examples, encoded, batch, settings)
            own.clip_grad_norm_(prepared.parameters(), 1.0)
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            if step % 20 == 0:
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update()
            if step + 1 in due:
                prepared.eval()
                keep(due[step + 1], step + 1, reader.flops, weights())
                prepared.train()
            saved.save(step + 1)
    prepared.eval()


class _Saved:
    """The latest state of a training: a folder named by its step, inside `folder`, written whole or
    not at all.
    """

    def __init__(self, own: Accelerator, folder: Path | None, minutes: float) -> None:
        self.own, self.folder, self.seconds, self.last = own, folder, 60 * minutes, monotonic()

    def resume(self) -> int:
        """Steps done; loads weights and optimisers if there is a state."""
        step = max(map(int, self._there()), default=0)
        if self.folder and step:
            self.own.load_state(str(self.folder / str(step)))
        return step

    def _there(self) -> list[str]:
        return [p.name for p in self.folder.glob("*") if p.name.isdigit()] if self.folder else []

    def save(self, step: int) -> None:
        """Keep the state if the last one is old; all processes follow the first one's clock."""
        if self.folder is None:
            return
        old = torch.tensor(float(monotonic() - self.last > self.seconds), device=self.own.device)
        if self.own.num_processes > 1:
            broadcast(old)
        if not old:
            return
        aside = self.folder / f"{step}.partial"
        self.own.save_state(str(aside))
        self.own.wait_for_everyone()
        if self.own.is_main_process:
            before = self._there()
            aside.rename(self.folder / str(step))
            for name in before:
                shutil.rmtree(self.folder / name)
        self.last = monotonic()


def _batches(
    examples: Sequence[Example], encoded: Sequence[Encoded], settings: RewardTraining, seed: int
) -> Iterator[list[int]]:
    """Batches of one epoch after the other, without end."""
    for epoch in count():
        yield from reversed(
            epoch_batches(examples, encoded, settings, seeds.seed_of(seed, "epoch", epoch))
        )


def _backward(
    own: Accelerator,
    prepared: torch.nn.Module,
    reader: Reader,
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
    batch: Sequence[int],
    settings: RewardTraining,
) -> float:
    """Gradients of the batch's loss; returns the loss of this process's part.

    The loss is a mean over supervised steps, of which the parts of a batch have unequal numbers:
    each part weighs as many as it has. Gradients are averaged over the processes, so a part counts
    once for each of them.
    """
    ends = {i: int((~np.isnan(examples[i].targets)).sum()) for i in batch}
    shares = own.num_processes * settings.accumulation
    parts = [batch[n::shares] for n in range(own.process_index, shares, own.num_processes)]
    total = 0.0
    for number, part in enumerate(parts):
        # a process without a solution reads one all the same, for the others wait for it, and gives
        # it no weight
        chosen = part or batch[:1]
        weight = own.num_processes * sum(ends[i] for i in part) / sum(ends.values())
        with own.no_sync(prepared) if number + 1 < len(parts) else nullcontext():
            loss = _loss(
                reader.logits(chosen),
                [examples[i] for i in chosen],
                [encoded[i] for i in chosen],
                settings,
            )
            own.backward(loss * weight)
        total += loss.item() * weight
    return total


def epoch_batches(
    examples: Sequence[Example], encoded: Sequence[Encoded], settings: RewardTraining, seed: int
) -> list[list[int]]:
    """Indices of one epoch in batches of about `settings.batch` solutions of alike lengths, in an
    order `seed` fixes.

    For a ranking loss a batch holds whole problems, or its pairs of right and wrong solutions would
    hardly occur.
    """
    lengths = [len(e.ids) for e in encoded]
    if not settings.ranking_weight:
        return bucket(lengths, settings.batch, seed)
    by_problem: dict[str, list[int]] = {}
    for i, example in enumerate(examples):
        by_problem.setdefault(example.problem.problem_id, []).append(i)
    groups = list(by_problem.values())
    together = max(1, round(settings.batch * len(groups) / len(examples)))
    batches = bucket([max(lengths[i] for i in group) for group in groups], together, seed)
    return [[i for number in batch for i in groups[number]] for batch in batches]


def _loss(
    logits: torch.Tensor,
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
    settings: RewardTraining,
) -> torch.Tensor:
    """BCE at the supervised steps' ends, and the weighted ranking loss.

    Solutions are ranked by their logit at the last step, which has seen all of them, whichever
    steps BCE supervises; right is whose answer is right (`correct`).
    """
    targets = torch.full(logits.shape, float("nan"))
    for row, (example, text) in enumerate(zip(examples, encoded, strict=True)):
        targets[row, text.ends] = torch.tensor(example.targets, dtype=torch.float32)
    loss = losses.supervised(logits, targets.to(logits.device))
    if settings.ranking_weight:
        last = logits[torch.arange(len(encoded)), [text.ends[-1] for text in encoded]]
        number = {
            name: i for i, name in enumerate(dict.fromkeys(e.problem.problem_id for e in examples))
        }
        problem = torch.tensor([number[e.problem.problem_id] for e in examples])
        right = torch.tensor([bool(e.correct) for e in examples])
        loss = loss + settings.ranking_weight * losses.ranking(
            last, right.to(logits.device), problem.to(logits.device)
        )
    return loss
