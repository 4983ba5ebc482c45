"""Problems per second of our tree search for many problems together, against one at a time.

Run as `python benchmarks/search.py [POLICY REWARD_MODEL]`, with the folders of a causal language
model and of a reward model; without them a policy is pre-trained and given a random head. The
baseline is the same strategy, engine and budget for one problem after the other, like public beam
and MCTS scripts. Runs share nothing, except for the next-to-last line, in which all strategies
share their draws. The last line is an upper bound of the time that cached prefixes could save.
"""

import sys
import tempfile
import time

import fresh
import torch
from ratios import tell

from prmscale.engines.aggregation import AGGREGATIONS
from prmscale.engines.backends.loading import Weights
from prmscale.engines.backends.transformers_policy import TransformersPolicy
from prmscale.engines.backends.transformers_scorer import TransformersScorer
from prmscale.engines.cached import CachedPolicy
from prmscale.engines.scheduler import Run, run
from prmscale.search import TREE_STRATEGIES
from prmscale.study import Prompting, Sampling, TreeSearch, World
from prmscale.tasks.world.arithmetic import Arithmetic

PROBLEMS, SAMPLE_COST, OPTIONS = 64, 45, TreeSearch()  # the cost in tokens
# strategies and budgets in samples' worth
SETTINGS = [("beam", 4), ("beam", 16), ("dvts", 16), ("mcts", 4), ("mcts", 16)]


def time_readings(engine: TransformersPolicy) -> list[float]:
    """A list that collects the wall times of the engine's readings of prefixes."""
    taken: list[float] = []
    read = engine._read

    def reading(prefixes):
        started = time.perf_counter()
        found = read(prefixes)
        taken.append(time.perf_counter() - started)
        return found

    engine._read = reading
    return taken


def main() -> None:
    """Print problems per second and the ratios."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        policy, reward_model = sys.argv[1:] or fresh.pair(scratch)
        engine = TransformersPolicy("m", Weights(policy), Prompting(), Sampling(), "cpu", seed=0)
        scorer = TransformersScorer(reward_model, "cpu")
    problems = Arithmetic("arithmetic", World()).load("test", PROBLEMS, 0)
    reading = time_readings(engine)

    def seconds(settings, groups) -> float:
        """Wall time of these strategies on groups of problems, one group after the other."""
        started = time.perf_counter()
        for group in groups:
            scorer.forget()
            runs = []
            for name, budget in settings:
                start = TREE_STRATEGIES[name].start
                for p in group:
                    strategy = start(budget, AGGREGATIONS["product"], OPTIONS)
                    runs.append(Run(p, strategy, budget, budget * SAMPLE_COST))
            run(runs, CachedPolicy(engine), scorer)
        return time.perf_counter() - started

    seconds(SETTINGS[:1], [problems[:4]])  # to warm up
    print(f"{PROBLEMS} problems, one thread; ratio against one problem at a time")
    one_by_one = total = 0.0
    for setting in SETTINGS:
        alone = seconds([setting], [[p] for p in problems])
        together = seconds([setting], [problems])
        one_by_one += alone
        total += together
        name = f"{setting[0]}, {setting[1]} samples' worth"
        print(
            f"{name:26s} {PROBLEMS / alone:8.2f} -> {PROBLEMS / together:8.2f} problems/s   "
            f"x{alone / together:.1f}"
        )
    shared = seconds(SETTINGS, [problems])
    print(
        f"all of them at once, sharing draws: {total:.1f} s -> {shared:.1f} s   "
        f"x{total / shared:.1f}"
    )
    print(f"reading prefixes: {100 * sum(reading) / engine.seconds:.0f} % of the policy's time")
    tell("search", one_by_one / total)


if __name__ == "__main__":
    main()
