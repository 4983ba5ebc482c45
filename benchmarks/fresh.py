"""Small models for benchmarks that are run without a folder: the laptop ladder's size m."""

from prmscale.policies.pretrain import build, encode, pretrain
from prmscale.rewards.train import load_base
from prmscale.study import LadderModel, Pretraining, World
from prmscale.tasks.world.corpus import build_tokenizer, corpus

TOKENS = 600_000  # half of the laptop study's: enough to write whole solutions, some of them right


def policy(folder: str, tokens: int = TOKENS) -> str:
    """Pre-train a policy, in about half a minute, and save it.

    With 0 tokens its weights are random, and it practically never ends a solution.
    """
    world = World()
    size = LadderModel(name="m", width=64, layers=4, heads=2)
    tokenizer = build_tokenizer(world)
    model = build(size, tokenizer, seed=0)
    if tokens:
        documents = encode(tokenizer, list(corpus(world, tokens, seed=0, math_share=0.7)))
        settings = Pretraining(tokens=tokens, batch=16, checkpoints=[100])
        pretrain(model, documents, settings, 0, keep=lambda percent, record: None)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def pair(folder: str) -> tuple[str, str]:
    """Save a policy, and a reward model based on it whose head is random."""
    model, tokenizer = load_base(policy(f"{folder}/policy"), seed=0)
    model.save_pretrained(f"{folder}/reward_model")
    tokenizer.save_pretrained(f"{folder}/reward_model")
    return f"{folder}/policy", f"{folder}/reward_model"
