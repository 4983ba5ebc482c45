"""Solutions a second that a reward model scores, read in trees that share what they begin with,
against one row each.

Run as `python benchmarks/scoring.py [POLICY REWARD_MODEL]`: folders of a causal language model and
of a reward model, say of a study; without them fresh ones of the ladder's size m are made, whose
random solutions share their prompt alone. The baseline reads the same distinct solutions in batches
of alike lengths, on the same thread. Another baseline has every sample in a row of its own, as
scripts have it that score one problem's samples after the other's.
"""

import sys
import tempfile
import time

import fresh
import torch

from prmscale.engines.backends import prefix_tree
from prmscale.engines.backends.loading import Weights
from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.backends.transformers_scorer import TransformersScorer
from prmscale.engines.policy import Extension
from prmscale.study import Prompting, Sampling, World
from prmscale.tasks.world.arithmetic import Arithmetic

PROBLEMS, SAMPLES = 64, 64


def main() -> None:
    """Print solutions a second and the ratios."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        policy, reward_model = sys.argv[1:] or fresh.pair(scratch)
        engine = TransformersPolicy(
            "m", Weights(policy), Prompting(), Sampling(max_tokens=96), "cpu", seed=0
        )
        scorer = TransformersScorer(reward_model, "cpu")
    problems = Arithmetic("arithmetic", World()).load("test", PROBLEMS, 0)
    written = engine.extend([Extension(p, (), SAMPLES, 0, "end") for p in problems])
    items = [(p, c.steps) for p, own in zip(problems, written, strict=True) for c in own]
    texts = [
        scorer.encode(*item).ids for item in {(p.problem_id, s): (p, s) for p, s in items}.values()
    ]
    trees = prefix_tree.pack(texts, scorer.model.config.hidden_size)
    print(f"{len(items)} samples of {PROBLEMS} problems, one thread: {len(texts)} of them distinct")
    print(
        f"tokens: {sum(map(len, texts))} in rows, {sum(len(tree.ids) for tree in trees)} in "
        f"{len(trees)} trees"
    )

    def seconds(groups) -> float:
        started = time.perf_counter()
        for group in groups:
            scorer.forget()
            scorer.score(group)
        return time.perf_counter() - started

    seconds([items])  # to warm up
    in_trees = seconds([items])
    prefix_tree.readable = lambda model: False
    in_rows = seconds([items])
    one_by_one = seconds([[item] for item in items])
    print(f"distinct ones in rows:  {len(items) / in_rows:8.0f} -> {len(items) / in_trees:8.0f} "
    f"samples/s   x{in_rows / in_trees:.1f}")  # fmt: skip
    print(f"each by itself:         {len(items) / one_by_one:8.0f} -> {len(items) / in_trees:8.0f} "
    f"samples/s   x{one_by_one / in_trees:.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
