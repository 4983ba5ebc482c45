"""Pre-training of one size of the ladder: a Llama decoder on problems with their solutions.

Each checkpoint becomes a plain Hugging Face folder with `pretraining.json` beside the weights:
parameters, tokens, FLOPs and loss so far.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from prmscale import seeds
from prmscale.engines.backends.transformers_scorer import pad
from prmscale.engines.finite import DIVERGED, require_finite
from prmscale.engines.flops import Shape
from prmscale.policies.muon import cosine, optimizers
from prmscale.study import LadderModel, Pretraining
from prmscale.tasks import steps as step_text

IGNORED = -100  # cross-entropy skips these targets


def build(model: LadderModel, tokenizer: PreTrainedTokenizerBase, seed: int) -> LlamaForCausalLM:
    """A decoder of this size with random weights, seeded by the study's seed and its name."""
    torch.manual_seed(seeds.seed_of(seed, "initialise", model.name) % 2**63)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=model.width,
        intermediate_size=8 * math.ceil(8 * model.width / 3 / 8),  # SwiGLU at the cost of a 4x MLP
        num_hidden_layers=model.layers,
        num_attention_heads=model.heads,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        # the library's 0.02 and 10,000 are for wide models and long texts; with them the sums of
        # arithmetic are learnt late, or in one pre-training and not in the next (docs/recipe.md)
        initializer_range=model.width**-0.5,
        rope_parameters={"rope_type": "default", "rope_theta": 100.0},
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def encode(
    tokenizer: PreTrainedTokenizerBase, documents: Sequence[tuple[str, str]]
) -> list[tuple[list[int], int]]:
    """(token ids, length of the prompt) of each (prompt, solution); they end with end-of-text."""
    prompts = tokenizer([prompt + step_text.STEP_END for prompt, _ in documents])["input_ids"]
    solutions = tokenizer([solution for _, solution in documents])["input_ids"]
    end = tokenizer.eos_token_id
    return [([*p, *s, end], len(p)) for p, s in zip(prompts, solutions, strict=True)]


def pretrain(
    model: LlamaForCausalLM,
    documents: Sequence[tuple[list[int], int]],
    settings: Pretraining,
    seed: int,
    keep: Callable[[int, dict[str, Any]], None],
) -> None:
    """Train on every document once, in an order that `seed` determines.

    Calls `keep(percent, record)` at each checkpoint; the record holds parameters, tokens, FLOPs and
    loss so far. The loss covers the tokens of solutions only, so no model learns to write problems.
    """
    order = bucket([len(ids) for ids, _ in documents], settings.batch, seed)
    steps, shape = len(order), Shape.from_model(model)
    optimisers = optimizers(model, settings.learning_rate, "muon", weight_decay=0.01)
    due = {max(1, round(steps * percent / 100)): percent for percent in settings.checkpoints}
    record: dict[str, Any] = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "tokens": 0,
        "tokens_read": 0,
        "flops": 0.0,
    }
    model.train()
    recent: list[float] = []
    for step, batch in enumerate(tqdm(order, desc="pre-training", unit="step", mininterval=5)):
        chosen = [documents[i] for i in batch]
        rate = settings.learning_rate * cosine(step, steps)
        recent = [*recent[-99:], _train_step(model, optimisers, chosen, rate)]
        require_finite(recent[-1], f"the loss of step {step + 1}", DIVERGED)
        record["tokens"] += sum(len(ids) - start for ids, start in chosen)
        record["tokens_read"] += sum(len(ids) for ids, _ in chosen)
        record["flops"] += sum(shape.training_flops(len(ids)) for ids, _ in chosen)
        if step + 1 in due:
            percent = due[step + 1]
            keep(percent, {**record, "percent": percent, "loss": float(np.mean(recent))})


def _train_step(
    model: LlamaForCausalLM,
    optimisers: Sequence[torch.optim.Optimizer],
    documents: Sequence[tuple[list[int], int]],
    learning_rate: float,
) -> float:
    """Train on a batch of documents; returns the loss before the update (nats per token)."""
    loss = solution_loss(model, documents)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return loss.item()


def solution_loss(
    model: torch.nn.Module, documents: Sequence[tuple[list[int], int]]
) -> torch.Tensor:
    """Mean cross-entropy of the solutions' tokens (nats)."""
    device = next(model.parameters()).device
    ids = pad([ids for ids, _ in documents], 0).to(device)
    targets = pad([[IGNORED] * start + ids[start:] for ids, start in documents], IGNORED).to(device)
    # padding is on the right of a causal model: it needs no mask, and the fast kernel is used
    logits = model(input_ids=ids).logits
    return torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())


def bucket(lengths: Sequence[int], batch: int, seed: int) -> list[list[int]]:
    """Indices in batches of similar lengths, in random order.

    Shuffles, sorts within blocks of 50 batches, cuts the blocks, and shuffles their batches.
    """
    stream = seeds.generator(seed, "order")
    order = stream.permutation(len(lengths))
    batches = []
    for at in range(0, len(order), 50 * batch):
        block = sorted(order[at : at + 50 * batch].tolist(), key=lambda i: lengths[i])
        cut = [block[i : i + batch] for i in range(0, len(block), batch)]
        batches += [cut[i] for i in stream.permutation(len(cut))]
    return batches
