"""Models with random weights, for benchmarks that are run without a folder."""

from prmscale.policies.pretrain import build
from prmscale.rewards.train import load_base
from prmscale.study import LadderModel, World
from prmscale.tasks.world.corpus import build_tokenizer


def policy(folder: str) -> str:
    """Save the ladder's size m (305k parameters) with random weights.

    Such a model practically never ends a solution.
    """
    tokenizer = build_tokenizer(World())
    build(LadderModel(name="m", width=64, layers=6, heads=4), tokenizer, seed=0).save_pretrained(
        folder
    )
    tokenizer.save_pretrained(folder)
    return folder


def pair(folder: str) -> tuple[str, str]:
    """Save a policy and a reward model based on it, both with random weights."""
    model, tokenizer = load_base(policy(f"{folder}/policy"), seed=0)
    model.save_pretrained(f"{folder}/reward_model")
    tokenizer.save_pretrained(f"{folder}/reward_model")
    return f"{folder}/policy", f"{folder}/reward_model"
