"""Training of a process reward model: a scalar head on a language model, read at each step's end.

The loss is binary cross-entropy, mean over steps (the paper's equation). What comes out is an ordinary
`AutoModelForTokenClassification` folder with one label; the sigmoid of its logit at a step's last token is the
probability that the solution is right so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from prmscale.engines import seeds
from prmscale.engines.flops import Shape
from prmscale.engines.loading import load_pretrained
from prmscale.engines.transformers_scorer import pad
from prmscale.policies.muon import cosine, optimizers
from prmscale.policies.pretrain import bucketed
from prmscale.rewards.examples import Example
from prmscale.study import RewardTraining
from prmscale.tasks import steps as step_text

Keep = Callable[[int, int, float], None]


def load_base(
    folder: str | Path, seed: int, revision: str | None = None
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A base model with a fresh scalar head (seeded), and its tokenizer."""
    tokenizer = load_pretrained(AutoTokenizer, folder, revision=revision)
    torch.manual_seed(seeds.seed_of(seed, "head") % 2**63)
    config = load_pretrained(
        AutoConfig, folder, revision=revision, num_labels=1, id2label={0: "right"}, label2id={"right": 0}
    )
    config.classifier_dropout = 0.0
    model = load_pretrained(
        AutoModelForTokenClassification, folder, revision=revision, config=config, dtype=torch.float32
    )
    return model, tokenizer


def train(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    settings: RewardTraining,
    seed: int,
    keep: Keep,
) -> None:
    """Train in place; call `keep(percent, step, FLOPs so far)` at each checkpoint.

    Epochs follow one another until `settings.steps` are done; each is shuffled and bucketed by length.
    """
    encoded = [step_text.encode(tokenizer, e.problem.prompt, e.steps) for e in examples]
    lengths = [len(ids) for ids, _ in encoded]
    shape, flops = Shape.of(model), 0.0
    optimisers = optimizers(model, settings.learning_rate, settings.optimizer)
    due = {max(1, round(settings.steps * percent / 100)): percent for percent in settings.checkpoints}
    batches: list[list[int]] = []
    epoch = 0
    model.train()
    with tqdm(range(settings.steps), desc="reward model", unit="step", mininterval=5) as bar:
        for step in bar:
            if not batches:
                batches = bucketed(lengths, settings.batch, seeds.seed_of(seed, "epoch", epoch))
                epoch += 1
            batch = batches.pop()
            for optimiser in optimisers:
                for group in optimiser.param_groups:
                    group["lr"] = settings.learning_rate * cosine(step, settings.steps)
            loss = _loss(model, tokenizer, [encoded[i] for i in batch], [examples[i].targets for i in batch])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for optimiser in optimisers:
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
            flops += sum(shape.training(lengths[i]) for i in batch)
            if step % 20 == 0:
                bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
            if step + 1 in due:
                model.eval()
                keep(due[step + 1], step + 1, flops)
                model.train()
    model.eval()


def _loss(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    encoded: Sequence[tuple[list[int], list[int]]],
    targets: Sequence[np.ndarray],
) -> torch.Tensor:
    """BCE at the step ends, mean over the batch's supervised steps."""
    ids = pad([ids for ids, _ in encoded], tokenizer.pad_token_id or 0).to(model.device)
    wanted = torch.full(ids.shape, float("nan"))
    for row, ((_, ends), values) in enumerate(zip(encoded, targets, strict=True)):
        wanted[row, ends] = torch.tensor(values, dtype=torch.float32)
    wanted = wanted.to(model.device)
    logits = model(input_ids=ids).logits[..., 0].float()
    used = ~torch.isnan(wanted)
    return torch.nn.functional.binary_cross_entropy_with_logits(logits[used], wanted[used])
