"""Fonts and colours of figures that matplotlib does not have."""

from __future__ import annotations

from collections.abc import Iterator

from prmscale.configuration.faults import Fault, Location, suggest
from prmscale.configuration.search_checks import Check
from prmscale.study import FigureStyle, Study, Style


def _check_font(study: Study, where: Location, style: Style | FigureStyle) -> Iterator[Fault]:
    """The font is installed."""
    if style.font in (None, Style().font):  # matplotlib, which is slow to import, brings it
        return
    from matplotlib import font_manager

    names = font_manager.get_font_names()
    if style.font not in names:
        hint = suggest(style.font, names) or "`fc-list : family` lists what is installed."
        yield Fault((*where, "font"), style.font, "no such font is installed", hint)


def _check_palette(study: Study, where: Location, style: Style | FigureStyle) -> Iterator[Fault]:
    """The colours are colours."""
    if not style.palette:
        return
    from matplotlib.colors import is_color_like

    for name, colour in style.palette.items():
        if not is_color_like(colour):
            hint = "Write a name that matplotlib knows (tab:blue) or #RRGGBB in quotes."
            yield Fault((*where, "palette", name), colour, "this is no colour", hint)


def _check_figures(study: Study, where: Location, style: Style) -> Iterator[Fault]:
    """Fonts and colours of single figures."""
    for name, own in style.figures.items():
        for check in (_check_font, _check_palette):
            yield from check(study, (*where, "figures", name), own)


STYLE_CHECKS: list[tuple[str, Check]] = [
    ("style", _check_font),
    ("style", _check_palette),
    ("style", _check_figures),
]
