"""Thoughts: the text that a reasoning model writes between tags before its reply.

A thought is not part of the reply, so no answer and no program is looked for in it. The opening tag
may be missing, since some chat templates write it into the prompt. A thought without a closing tag
was truncated, or the model never got to a reply. No other module knows the tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# the tags of most models, of Sky-T1 and OpenThinker, Magistral, Kimi, and Seed-OSS
_TAGS = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
    "<seed:think>": "</seed:think>",
}
TAGS = frozenset([*_TAGS, *_TAGS.values()])
CLOSING = list(_TAGS.values())


def _match_unquoted(tags: Iterable[str]) -> re.Pattern[str]:
    """A pattern for these tags, except in quotes, as in `text.split("</think>")`.

    Three backticks are a fence, not quotes.
    """
    either = "|".join(map(re.escape, tags))
    return re.compile(rf"""(?:(?<![`"'])|(?<=```))(?:{either})|(?:{either})(?:(?![`"'])|(?=```))""")


_CLOSES, _EITHER = _match_unquoted(CLOSING), _match_unquoted(TAGS)


def reply(text: str) -> str:
    """The text without its thoughts.

    The text before a closing tag without an opening tag is a thought, and so is the text after an
    opening tag without a closing tag.
    """
    return separate(text)[1]


def separate(text: str) -> tuple[str, str]:
    """The thoughts of a text, with their tags, and the rest."""
    thought, rest, at, opened = "", "", 0, False
    for tag in _EITHER.finditer(text):
        if tag.group() in _TAGS:
            if not opened:
                rest += text[at : tag.start()]
                at, opened = tag.start(), True
        elif opened:
            thought += text[at : tag.end()]
            at, opened = tag.end(), False
        else:  # the prompt holds its opening tag
            thought += rest + text[at : tag.end()]
            rest, at = "", tag.end()
    return (thought + text[at:], rest) if opened else (thought, rest + text[at:])


def is_open(text: str) -> bool:
    """Whether the last thought of a text is not closed."""
    return bool(closing_of(text))


def closing_of(text: str) -> str:
    """The tag that the last thought of a text lacks; empty if it is closed, or there is none."""
    tags = _EITHER.findall(text)
    return _TAGS.get(tags[-1], "") if tags else ""


def is_closed(text: str) -> bool:
    """Whether a thought ends in this text."""
    return _CLOSES.search(text) is not None


def find_open_tag(prompt: str) -> str:
    """The opening tag at the end of a prompt; empty if there is none."""
    end = prompt.rstrip()
    return next((tag for tag in _TAGS if end.endswith(tag)), "")


def closing_tag(tag: str) -> str:
    """The tag that closes this one."""
    return _TAGS[tag]
