"""Thoughts: what a reasoning model writes before its reply, between tags; the one place that knows them.

A thought is not part of the reply: no answer and no program is looked for in it. The opening tag may be missing, where
the chat template has written it; a thought without a closing tag was cut, or its writer never came to a reply.
"""

from __future__ import annotations

import re

# tags by which models mark their thoughts: most; Sky-T1 and OpenThinker; Magistral; Kimi; Seed-OSS
_TAGS = (
    (r"<(think|thinking|thought|reasoning|seed:think)>", r"</(think|thinking|thought|reasoning|seed:think)>"),
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"\[THINK\]", r"\[/THINK\]"),
    (r"◁think▷", r"◁/think▷"),
)
OPENS = re.compile("|".join(opens for opens, _ in _TAGS))
CLOSES = re.compile("|".join(closes for _, closes in _TAGS))


def reply(text: str) -> str:
    """The text without its thoughts: without everything from an opening tag, or the beginning, to the closing one.

    Nothing is left of a text whose last thought is not closed but what stands before it.
    """
    kept, at = [], 0
    while opened := OPENS.search(text, at):
        closed = CLOSES.search(text, opened.end())
        early = CLOSES.search(text, at, opened.start())
        if early:  # its opening tag stands in the prompt
            kept, at = [], early.end()
            continue
        kept.append(text[at : opened.start()])
        if closed is None:
            return "".join(kept)
        at = closed.end()
    rest = text[at:]
    last = None
    for last in CLOSES.finditer(rest):
        pass
    return rest[last.end() :] if last else "".join(kept) + rest
