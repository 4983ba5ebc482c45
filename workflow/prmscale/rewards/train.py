"""Training of a process reward model: a head on a language model, read at each step's end.

What comes out is an `AutoModelForTokenClassification` folder with one label; the sigmoid of its logit at a step's last
token is the probability that the solution is right so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from prmscale.engines import heads, seeds
from prmscale.engines.loading import load_pretrained
from prmscale.policies.muon import cosine, optimizers
from prmscale.policies.pretrain import bucketed
from prmscale.rewards import losses
from prmscale.rewards.examples import Example
from prmscale.rewards.reader import Reader
from prmscale.study import RewardTraining
from prmscale.tasks.steps import Encoded

Keep = Callable[[int, int, float], None]


def load_base(
    folder: str | Path, seed: int, revision: str | None = None, head: str = "scalar"
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A base model with a fresh head (seeded), and its tokenizer."""
    tokenizer = load_pretrained(AutoTokenizer, folder, revision=revision)
    if head != "scalar":
        base = load_pretrained(AutoModelForCausalLM, folder, revision=revision, dtype=torch.float32)
        torch.manual_seed(seeds.seed_of(seed, "head") % 2**63)
        return heads.on_base(head, base), tokenizer
    torch.manual_seed(seeds.seed_of(seed, "head") % 2**63)
    config = load_pretrained(
        AutoConfig, folder, revision=revision, num_labels=1, id2label={0: "right"}, label2id={"right": 0}
    )
    config.classifier_dropout = 0.0
    model = load_pretrained(
        AutoModelForTokenClassification, folder, revision=revision, config=config, dtype=torch.float32
    )
    return model, tokenizer


def base_parameters(model: PreTrainedModel) -> int:
    """Parameters of the language model below a head (of a scalar head's model: all, its own few included)."""
    return sum(p.numel() for p in getattr(model, "frozen", model).parameters())


def train(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    encoded: Sequence[Encoded],
    settings: RewardTraining,
    seed: int,
    keep: Keep,
) -> None:
    """Train in place; call `keep(percent, step, FLOPs so far)` at each checkpoint, once if there are no steps.

    `encoded[i]` is `examples[i]` as the model reads it. Epochs follow one another until `settings.steps` are done;
    each is shuffled and bucketed by length.
    """
    if settings.steps == 0:
        keep(100, 0, 0.0)
        return
    reader = Reader(model, tokenizer, encoded)
    optimisers = optimizers(model, settings.learning_rate, settings.optimizer)
    due = {max(1, round(settings.steps * percent / 100)): percent for percent in settings.checkpoints}
    batches: list[list[int]] = []
    epoch = 0
    model.train()
    with tqdm(range(settings.steps), desc="reward model", unit="step", mininterval=5) as bar:
        for step in bar:
            if not batches:
                batches = epoch_batches(examples, encoded, settings, seeds.seed_of(seed, "epoch", epoch))
                epoch += 1
            batch = batches.pop()
            for optimiser in optimisers:
                for group in optimiser.param_groups:
                    group["lr"] = settings.learning_rate * cosine(step, settings.steps)
            loss = _loss(reader.logits(batch), [examples[i] for i in batch], [encoded[i] for i in batch], settings)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            if step % 20 == 0:
                bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            if step + 1 in due:
                model.eval()
                keep(due[step + 1], step + 1, reader.flops)
                model.train()
    model.eval()


def epoch_batches(
    examples: Sequence[Example], encoded: Sequence[Encoded], settings: RewardTraining, seed: int
) -> list[list[int]]:
    """Indices of one epoch in batches of about `settings.batch` solutions of alike lengths, in an order `seed` fixes.

    For a ranking loss a batch holds whole problems, or its pairs of right and wrong solutions would hardly occur.
    """
    lengths = [len(e.ids) for e in encoded]
    if not settings.ranking_weight:
        return bucketed(lengths, settings.batch, seed)
    by_problem: dict[str, list[int]] = {}
    for i, example in enumerate(examples):
        by_problem.setdefault(example.problem.problem_id, []).append(i)
    groups = list(by_problem.values())
    together = max(1, round(settings.batch * len(groups) / len(examples)))
    batches = bucketed([max(lengths[i] for i in group) for group in groups], together, seed)
    return [[i for number in batch for i in groups[number]] for batch in batches]


def _loss(
    logits: torch.Tensor, examples: Sequence[Example], encoded: Sequence[Encoded], settings: RewardTraining
) -> torch.Tensor:
    """BCE at the supervised steps' ends, and the weighted ranking loss.

    Solutions are ranked by their logit at the last step, which has seen all of them, whichever steps BCE supervises;
    right is whose answer is right (`correct`).
    """
    targets = torch.full(logits.shape, float("nan"))
    for row, (example, text) in enumerate(zip(examples, encoded, strict=True)):
        targets[row, text.ends] = torch.tensor(example.targets, dtype=torch.float32)
    loss = losses.supervised(logits, targets.to(logits.device))
    if settings.ranking_weight:
        last = logits[torch.arange(len(encoded)), [text.ends[-1] for text in encoded]]
        number = {name: i for i, name in enumerate(dict.fromkeys(e.problem.problem_id for e in examples))}
        problem = torch.tensor([number[e.problem.problem_id] for e in examples])
        right = torch.tensor([bool(e.correct) for e in examples])
        loss = loss + settings.ranking_weight * losses.ranking(last, right.to(logits.device), problem.to(logits.device))
    return loss
