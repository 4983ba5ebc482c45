"""MkDocs hook: pages whose source lies outside docs/, and links that lead out of docs/.

The pages of docs/ are read in the repository and on the site. In the repository they may link to
any file, such as `../config/README.md`. On the site a link to one of `PAGES` leads to its page, a
link to another file of the repository becomes its plain text, and a link to nothing stays as it is,
so that the strict build fails.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"config/README.md": "config.md", "results/README.md": "tables.md"}  # source: page
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages from outside docs/."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with every link out of docs/ turned into one that the site has."""
    sources = {made: source for source, made in PAGES.items()}
    here = page.file.src_uri
    return rewrite(markdown, PurePosixPath(sources.get(here, f"docs/{here}")), here)


def rewrite(markdown: str, source: PurePosixPath, page: str) -> str:
    """Rewrite the links of a page whose source in the repository is `source`."""

    def replace(found: re.Match[str]) -> str:
        text, target, anchor = found.groups()
        path = normpath(str(source.parent / target))
        if path in PAGES:
            made = PAGES[path]
        elif path.startswith("docs/") and (ROOT / path).is_file():
            made = path.removeprefix("docs/")
        else:
            return text if (ROOT / path).exists() else found.group()
        return f"[{text}]({relpath(made, str(PurePosixPath(page).parent))}{anchor or ''})"

    return LINK.sub(replace, markdown)
