"""The explorer's page: its sources and its data in one file, which needs no network."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from prmscale.explorer.packing import compress

SOURCES = Path(__file__).with_name("page")
SCRIPTS = ("data.js", "measures.js", "views.js", "main.js")  # in the order in which they run


def assemble(data: dict[str, Any]) -> str:
    """The page of a study."""
    scripts = [(SOURCES / name).read_text(encoding="utf-8") for name in SCRIPTS]
    parts = {
        "{{title}}": html.escape(f"{data['study']}: explorer"),
        "{{style}}": (SOURCES / "style.css").read_text(encoding="utf-8"),
        "{{script}}": "\n".join(scripts),
        "{{data}}": compress(data),
    }
    page = (SOURCES / "index.html").read_text(encoding="utf-8")
    for mark, text in parts.items():
        page = page.replace(mark, text, 1)
    return page
