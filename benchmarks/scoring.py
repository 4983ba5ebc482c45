"""Solutions per second that a reward model scores in prefix trees, against one row per solution.

Run as `python benchmarks/scoring.py [POLICY REWARD_MODEL]`, with the folders of a causal language
model and of a reward model; without them a policy is pre-trained and given a random head. One
baseline reads the same distinct solutions in batches of similar lengths, on the same thread.
Another reads each sample by itself, like scripts that score one sample after the other.
"""

import sys
import tempfile
import time

import fresh
import torch
from ratios import tell

from prmscale.engines.backends import prefix_tree
from prmscale.engines.backends.loading import Weights
from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.backends.transformers_scorer import TransformersScorer
from prmscale.engines.requests import Extension
from prmscale.study import Prompting, Sampling, World
from prmscale.tasks.world.arithmetic import Arithmetic

PROBLEMS, SAMPLES = 64, 64


def main() -> None:
    """Print solutions per second and the ratios."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        policy, reward_model = sys.argv[1:] or fresh.pair(scratch)
        settings = Sampling(max_tokens=96)
        engine = TransformersPolicy("m", Weights(policy), Prompting(), settings, "cpu", seed=0)
        scorer = TransformersScorer(reward_model, "cpu")
    problems = Arithmetic("arithmetic", World()).load("test", PROBLEMS, 0)
    written = engine.extend([Extension(p, (), SAMPLES, 0, "end") for p in problems])
    items = []
    for problem, solutions in zip(problems, written, strict=True):
        items += [(problem, solution.steps) for solution in solutions]
    distinct = {(problem.problem_id, steps): (problem, steps) for problem, steps in items}
    texts = [scorer.encode(*item).ids for item in distinct.values()]
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
    prefix_tree.accepts_trees = lambda model: False
    in_rows = seconds([items])
    one_by_one = seconds([[item] for item in items])
    for name, baseline in (("distinct ones in rows", in_rows), ("each by itself", one_by_one)):
        print(
            f"{name + ':':23s} {len(items) / baseline:8.0f} -> {len(items) / in_trees:8.0f} "
            f"samples/s   x{baseline / in_trees:.1f}"
        )
    tell("scoring", one_by_one / in_trees)


if __name__ == "__main__":
    main()
