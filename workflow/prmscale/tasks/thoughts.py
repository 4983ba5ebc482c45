"""Thoughts: what a reasoning model writes before its reply, between tags; the one place that knows
them.

A thought is not part of the reply: no answer and no program is looked for in it. The opening tag
may be missing, where the chat template has written it; a thought without a closing tag was cut, or
its writer never came to a reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# by which models mark their thoughts: most of them; Sky-T1 and OpenThinker; Magistral; Kimi;
# Seed-OSS
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


def _spoken(tags: Iterable[str]) -> re.Pattern[str]:
    """Any of these tags but one between quotes, which is spoken of, as in `text.split("</think>")`;
    a fence is none.
    """
    either = "|".join(map(re.escape, tags))
    return re.compile(rf"""(?:(?<![`"'])|(?<=```))(?:{either})|(?:{either})(?:(?![`"'])|(?=```))""")


_CLOSES, _EITHER = _spoken(CLOSING), _spoken(TAGS)


def reply(text: str) -> str:
    """The text without its thoughts.

    What stands before a closing tag without an opening one is a thought; so is what stands behind
    one that never closes.
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
        else:  # its opening tag stands in the prompt
            thought += rest + text[at : tag.end()]
            rest, at = "", tag.end()
    return (thought + text[at:], rest) if opened else (thought, rest + text[at:])


def is_open(text: str) -> bool:
    """Whether the last thought of a text is not closed."""
    tags = _EITHER.findall(text)
    return bool(tags) and tags[-1] in _TAGS


def is_closed(text: str) -> bool:
    """Whether a thought ends in this text."""
    return _CLOSES.search(text) is not None


def opened_by(prompt: str) -> str:
    """The opening tag that a prompt ends with; empty where it ends with none."""
    end = prompt.rstrip()
    return next((tag for tag in _TAGS if end.endswith(tag)), "")


def closing(tag: str) -> str:
    """The tag that closes this one."""
    return _TAGS[tag]
