"""The code blocks of README.md, CONTRIBUTING.md and docs/, as readers copy them."""

import re
from typing import NamedTuple

from pipeline import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


class Block(NamedTuple):
    """A code block, the page that it is on and the heading that it stands under."""

    page: str
    heading: str
    text: str

    @property
    def lines(self):
        """The lines that hold something."""
        return [line for line in self.text.splitlines() if line.strip()]

    @property
    def file(self):
        """The name of the file that the block says it is, in a comment on its first line."""
        named = re.match(r"# ([\w/.-]+\.\w+)\b", self.text)
        return named.group(1) if named else None


def blocks(language, page=None):
    """The blocks of one language, of one page or of all."""
    found = []
    for path in PAGES:
        if page in (None, path.name):
            text = path.read_text(encoding="utf-8")
            for match in _FENCED.finditer(text):
                if match.group(1) == language:
                    heading = headings(text[: match.start()])[-1]
                    found.append(Block(path.name, heading, match.group(2)))
    return found


def headings(text):
    """The headings of a page; a comment in a code block is none."""
    return _HEADING.findall(_FENCED.sub("", text))


def commands():
    """Every command of the sh blocks, without comments, each once."""
    lines = [line.partition(" #")[0] for block in blocks("sh") for line in block.lines]
    every = [part.strip() for line in lines for part in line.split("&&")]
    return [command for command in dict.fromkeys(every) if command and command[0] != "#"]
