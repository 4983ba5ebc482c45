"""What the heads of all cards share: licences, names on the hub, and the form of a card."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from huggingface_hub import CardData, hf_hub_download, metadata_load
from huggingface_hub.errors import HFValidationError

from prmscale.files import seal
from prmscale.study import GENERATED, LICENCE, PACKAGE
from prmscale.tasks.benchmarks.sources import PUBLISHED

CARD = "README.md"
# how the tables name a licence, and how the hub does
_ON_HUB = {
    "MIT": "mit",
    "MIT (generated)": "mit",
    "Apache 2.0": "apache-2.0",
    "CC BY 4.0": "cc-by-4.0",
}
_OTHER = "other"
_MARKUP = str.maketrans({mark: f"&#{ord(mark)};" for mark in "<>&`|["})


class Origin(NamedTuple):
    """Where problems are from: the pairs of source and licence among them, each once, in order."""

    pairs: tuple[tuple[str, str], ...]

    @classmethod
    def collect(cls, pairs: Iterable[tuple[str, str]]) -> Origin:
        """The origin of problems with these sources and licences."""
        return cls(tuple(sorted(set(pairs))))

    @property
    def licences(self) -> list[str]:
        """The licences, as the tables name them."""
        return sorted({licence for _, licence in self.pairs})

    @property
    def datasets(self) -> list[str]:
        """The published data sets among the sources, by their names on the hub."""
        return [
            PUBLISHED[source].hub
            for source, licence in self.pairs
            if _is_published(source, licence)
        ]

    @property
    def language(self) -> str | None:
        """`en` where all problems are generated or published; None if they may be otherwise."""
        known = [
            source in GENERATED or _is_published(source, licence) for source, licence in self.pairs
        ]
        return "en" if all(known) else None


def _is_published(source: str, licence: str) -> bool:
    """Whether problems of a source are the published ones: those in files of users have another
    licence.
    """
    return source in PUBLISHED and PUBLISHED[source].licence == licence


class Base(NamedTuple):
    """A model that another is made from: its name on the hub (None: it has none) and the licence
    that its own card gives (None: unknown).
    """

    hub: str | None
    licence: str | None


def find_base(model: str | Path, revision: str | None = None) -> Base:
    """The base in a folder or on the hub. Its card is read from the folder, or from the hub, or
    from the hub's cache where there is no network.
    """
    name, folder = str(model), Path(model)
    if folder.is_dir():
        return Base(None, _read_licence(folder / CARD))
    if name.startswith(PACKAGE):
        return Base(None, None)
    try:
        return Base(name, _read_licence(Path(hf_hub_download(name, CARD, revision=revision))))
    except HFValidationError:
        return Base(None, None)
    except OSError:  # no card, or neither a network nor a copy in the cache
        return Base(name, None)


def _read_licence(card: Path) -> str | None:
    """The licence in a card's head; None without one, or if the head cannot be read."""
    try:
        head = metadata_load(card) or {}
    except (OSError, ValueError, yaml.YAMLError):
        return None
    licence = head.get("license")
    return licence if isinstance(licence, str) else None


def name_licences(licences: Iterable[str]) -> list[str]:
    """The hub's names of licences as the tables name them, each once."""
    return sorted({_name_licence(licence) for licence in licences})


def _name_licence(licence: str) -> str:
    """The hub's name of a licence; `other` if it has none."""
    return licence if re.fullmatch(LICENCE, licence) else _ON_HUB.get(licence, _OTHER)


def choose_licence(licences: Iterable[str], bases: Iterable[Base] = ()) -> dict[str, Any]:
    """The keys of a head that give the licence of a model: that of all its problems and bases if
    they have the same, else `other`.
    """
    found = {*name_licences(licences), *(base.licence or _OTHER for base in bases)}
    if len(found) == 1 and found != {_OTHER}:
        return {"license": found.pop()}
    return {"license": _OTHER, "license_name": "licences-of-its-sources"}


def describe_licences(licences: Iterable[str], bases: Iterable[Base] = ()) -> str:
    """The sentences of a card that give all licences."""
    parts = [f"of the problems: {escape(licence)}" for licence in licences]
    parts += [f"of the base: {escape(base.licence or 'its card gives none')}" for base in bases]
    return f"Licences: {'; '.join(parts)}."


def escape(text: str) -> str:
    """A text that others wrote, for a line of a card: nothing in it is HTML or markup."""
    return " ".join(text.translate(_MARKUP).split())


def render(head: CardData, text: str) -> str:
    """A card: its head, then its Markdown."""
    return f"---\n{head.to_yaml()}\n---\n\n{text}"


def finish_model(folder: Path, card: str) -> None:
    """Write the card of a model, and the checksums of what is in its folder."""
    (folder / CARD).write_text(card, encoding="utf-8")
    seal(folder)
