"""The study's configuration: every key with its meaning, unit and default."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Block(BaseModel):
    """A part of the configuration: an unknown key is an error, a value never changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class World(Block):
    """The generated world that both miniature domains share: wordings, some with a popular misreading."""

    modulus: int = Field(7, ge=2, le=97, description="Arithmetic answers are taken modulo this number.")
    definitions: tuple[int, int] = Field(
        (3, 5), description="Fewest and most defined quantities of a problem; the difficulty is their number."
    )
    filler_share: float = Field(0.45, ge=0, le=1, description="Share of definitions in a wording nobody misreads.")
    misreading_rates: dict[str, float] = Field(
        {
            "less_than": 0.60,
            "taken_from": 0.55,
            "more_than_twice": 0.60,
            "twice_the_sum": 0.40,
            "squared_plus": 0.55,
            "subtracted_from": 0.50,
            "fewer_than_double": 0.45,
        },
        description="Share of authors who fall for the misreading of each wording; a wording left out is not used.",
    )
