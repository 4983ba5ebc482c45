"""Tokens per second of PRM training as in the pipeline, against TRL's PRMTrainer, and the share of
the machine's matrix-product peak.

Run as `python benchmarks/training_peer.py`; it sets up `.venv-trl` with TRL 1.9.2, the last that
trains process reward models. Both train the desk study's size l (448k parameters, shortly
pre-trained) on the same labelled solutions, six a problem by authors of the world with their
popular misreadings, with AdamW, the same batch, rate and schedule, in float32 on one
thread, and take turns. We train twice, once with `whole_problems`. TRL draws batches by length as
we do by default, and has no activation checkpointing. Tokens are those of the prompts and solutions
that were learned from, without padding. Seconds are those of the processor, so that other work
counts little; loading and tokenising are left out. The loss is the mean BCE of the steps of other
problems, read by the same code.

FLOPs are counted by `prmscale.engines.flops`, a row for each solution: 6 for each token and weight
of a linear layer (with the head, without the embedding), and 12 * layers * width for each token and
each token that it attends to (itself and those before it). Norms, activations, rotations, the
optimiser and padding count nothing. The peak is that of torch.mm in float32 on one thread, at 1024³
and at the shapes of the training: a linear layer's product of the forward pass and the two of the
backward pass, for the tokens of a batch, each as often as it occurs.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from ratios import tell
from transformers import AutoModelForTokenClassification, AutoTokenizer, PreTrainedModel

from prmscale import seeds
from prmscale.engines.backends.loading import load_pretrained
from prmscale.engines.backends.transformers_scorer import score_encoded
from prmscale.engines.flops import Shape
from prmscale.policies.pretrain import build, encode, pretrain
from prmscale.rewards.examples import Example, Texts
from prmscale.rewards.train import load_base, train
from prmscale.study import LadderModel, Pretraining, RewardTraining, World
from prmscale.tasks.world.arithmetic import Arithmetic, solve
from prmscale.tasks.world.corpus import build_tokenizer, corpus
from prmscale.tasks.world.specifications import Specification

ROUNDS, PROBLEMS, SOLUTIONS, BATCH = 3, 400, 6, 24
SETTINGS = RewardTraining(
    steps=PROBLEMS * SOLUTIONS // BATCH,
    batch=BATCH,
    learning_rate=0.001,  # of .001, .003 and .01 the one with the lowest loss of TRL
    optimizer="adamw",
)
PEER = Path(".venv-trl")


def write_examples(split: str, problems: int) -> list[Example]:
    """Solutions by authors who misread each wording with its rate, with the truth of each step."""
    world, stream = World(), seeds.generator(0, "authors", split)
    task, rates = Arithmetic("arithmetic", world), sorted(world.rates("math").items())
    made = []
    for problem in task.load(split, problems, 0):
        specification = Specification.from_json(problem.detail["specification"])
        for number in range(SOLUTIONS):
            misread = frozenset(name for name, rate in rates if stream.random() < rate)
            steps = tuple(solve(specification, world.modulus, misread))
            right = np.array(task.truth(problem, steps), dtype=float)
            made.append(Example(problem, number, steps, right, right, bool(right[-1])))
    return made


def save_base(folder: Path) -> None:
    """The desk study's size l, pre-trained until it has learnt to write solutions, not to add."""
    world, tokenizer = World(), build_tokenizer(World())
    model = build(LadderModel(name="l", width=96, layers=4, heads=3), tokenizer, 0)
    settings = Pretraining(tokens=200_000, batch=16, ladder=[])
    documents = encode(tokenizer, list(corpus(world, settings.tokens, 0, 1.0)))
    pretrain(model, documents, settings, 0, lambda *_: None)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def train_ours(folder: Path, seed: int, whole_problems: bool) -> None:
    """Train as the pipeline does, save the model, and print the seconds of the training."""
    torch.set_num_threads(1)
    model, tokenizer = load_base(folder / "base", seed)
    texts = Texts.encode(tokenizer, write_examples("train", PROBLEMS))
    started = time.process_time()
    settings = SETTINGS.model_copy(update={"whole_problems": whole_problems})
    train(model, texts, settings, seed, lambda *_: None)
    seconds = time.process_time() - started
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    print(json.dumps({"seconds": seconds}))


def measure_loss(folder: Path, held_out: list[Example]) -> float:
    """Mean BCE of all steps of solutions, by the model of a folder."""
    model = load_pretrained(AutoModelForTokenClassification, folder)
    texts = Texts.encode(load_pretrained(AutoTokenizer, folder), held_out)
    scores = np.concatenate(score_encoded(model, texts.tokenizer, texts.encoded, 16384))
    right = np.concatenate([example.targets for example in held_out])
    return float(-np.log(np.where(right == 1, scores, 1 - scores)).mean())


def run(command: list[str]) -> dict[str, float]:
    """What a process prints on its last line, as JSON."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def as_row(example: Example) -> dict[str, object]:
    """An example in TRL's stepwise format."""
    return {
        "prompt": example.problem.prompt + "\n",
        "completions": list(example.steps),
        "labels": [bool(right) for right in example.targets],
    }


def measure_peak(shapes: Iterable[tuple[int, int, int]]) -> float:
    """FLOPs per second of products [m, k] x [k, n] one after the other, each at its best."""
    flops = seconds = 0.0
    for m, k, n in shapes:
        a, b, out = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
        best = float("inf")
        for _ in range(20):
            started = time.thread_time()
            torch.mm(a, b, out=out)
            best = min(best, time.thread_time() - started)
        flops, seconds = flops + 2.0 * m * k * n, seconds + best
    return flops / seconds


def list_products(model: PreTrainedModel, tokens: int) -> list[tuple[int, int, int]]:
    """The matrix products of a training step on so many tokens."""
    products = []
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear) and layer.out_features > 1:
            out, inner = layer.weight.shape
            products += [(tokens, inner, out), (tokens, out, inner), (out, tokens, inner)]
    return products


def take_turns(folder: Path, held_out: list[Example], tokens: int) -> dict[str, float]:
    """The median tokens per second of each, printing every training."""
    theirs = str(Path(__file__).parent / "peers/trl_training.py")
    commands = {
        "ours": [sys.executable, __file__, "batches"],
        "whole problems": [sys.executable, __file__, "whole"],
        "TRL": [str(PEER / "bin/python"), theirs],
    }
    speeds: dict[str, list[float]] = {name: [] for name in commands}
    for seed in range(ROUNDS):
        (folder / "settings.json").write_text(json.dumps(SETTINGS.model_dump() | {"seed": seed}))
        for name, command in commands.items():
            done = run([*command, str(folder), str(seed)])
            speeds[name].append(tokens / done["seconds"])
            loss = measure_loss(folder / "model", held_out)
            print(
                f"{name:14s} seed {seed} {speeds[name][-1]:8.0f} tokens/s   BCE {loss:.3f}",
                flush=True,
            )
    return {name: median(each) for name, each in speeds.items()}


def main() -> None:
    """Print tokens per second and losses, the ratio, and the share of the peak."""
    subprocess.run(["make", "--silent", str(PEER / ".installed")], check=True)
    torch.set_num_threads(1)
    examples, held_out = write_examples("train", PROBLEMS), write_examples("validation", 60)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        save_base(folder / "base")
        model, tokenizer = load_base(folder / "base", 0)
        lengths = [len(text.ids) for text in Texts.encode(tokenizer, examples).encoded]
        rows = "\n".join(json.dumps(as_row(example)) for example in examples)
        (folder / "rows.jsonl").write_text(rows)
        speeds = take_turns(folder, held_out, sum(lengths))
    per_token = sum(map(Shape.from_model(model).training_flops, lengths)) / sum(lengths)
    reached = speeds["ours"] * per_token
    batch = round(SETTINGS.batch * sum(lengths) / len(lengths))
    peaks = {
        "1024³": measure_peak([(1024, 1024, 1024)]),
        "the training's shapes": measure_peak(list_products(model, batch)),
    }
    for name, peak in peaks.items():
        print(
            f"{reached / 1e9:.0f} of {peak / 1e9:.0f} GFLOP/s at {name}: {reached / peak:.0%} "
            f"(TRL: {speeds['TRL'] * per_token / peak:.0%})"
        )
    tell("training", speeds["ours"] / speeds["TRL"])
    tell("training-whole-problems", speeds["whole problems"] / speeds["TRL"])
    tell("training-peak", reached / peak)


if __name__ == "__main__":
    if sys.argv[1:2] in (["batches"], ["whole"]):
        train_ours(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[1] == "whole")
    else:
        main()
