"""A language model small enough for tests, with random weights."""

from prmscale.policies.pretrain import build
from prmscale.study import LadderModel, World
from prmscale.tasks.world.corpus import build_tokenizer


def saved(path, width, seed=0):
    """Two layers and two heads of the ladder's architecture, saved with the world's tokenizer."""
    tokenizer = build_tokenizer(World())
    build(
        LadderModel(name="t", width=width, layers=2, heads=2), tokenizer, seed=seed
    ).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path
