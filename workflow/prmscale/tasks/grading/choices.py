r"""The option that a reply to a multiple-choice question chooses.

These rules look for it, in this order; the first that finds an option decides:
- `boxed`: the last `\boxed{…}` with content.
- `phrase`: what follows "the answer is", "Answer:", "correct option:", "choose" and the like, or
  precedes "is correct". The last such phrase that names an option counts.
- `opening`: a letter with a mark before the first word, "B. because …", "(b) …", unless several
  lines begin so.
- `last_line`: a last line that is an option and nothing else.

An option is named by its letter ("B", "(b)", "option B", "B. its text") or by its text, if one
option alone has this text. A small letter counts only in brackets, in a box or alone, because "a"
is a word. A statement that names two options ("A or B") chooses none: the rule is `several`. If no
rule finds an option the rule is `none`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from string import ascii_uppercase

from prmscale.tasks import thoughts
from prmscale.tasks.grading import math_answers
from prmscale.tasks.grading.math_answers import Found
from prmscale.tasks.grading.math_latex import close_of

_BOX = re.compile(r"\\(?:boxed|fbox) *(?=\{)")
_MARKS = re.compile(r"\*\*|__|`|\$|\\[()\[\],;!]|\\(?:left|right)\b")
_WRAPPED = re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox|boxed)\s*\{([^{}]*)\}")
_PHRASE = re.compile(
    r"\b(?:answers?|(?:options?|choices?)(?![ \t]+\(?[A-J]\b))\b"
    r"(?:[ \t]+(?!is\b|are\b)[^\s.:]{1,20}){0,6}?[ \t]*"
    r"(?:\b(?:is|are|would be|should be|must be)\b"
    r"(?:[ \t]+(?:therefore|thus|hence|then|simply|clearly)\b)?[ \t]*:?|:)"
    r"|\b(?:choose|select|pick|go with)\b",
    re.IGNORECASE,
)
_CONFIRMED = re.compile(
    r"\(?\b([A-J])\b\)?[.:]? (?:is|are|must be|seems) (?:the |therefore |thus )?"
    r"(?:most )?(?:correct|right|best|true|answer)\b"
)
# a letter, and what must stand behind it if it is no word of the sentence
_LETTER = re.compile(
    r"(?:[Tt]he )?(?:(?:[Cc]orrect |[Rr]ight |[Bb]est )?(?:[Aa]nswer|[Oo]ption|[Cc]hoice)s? )?"
    r"(?:\(([A-Ja-j])\)|\[([A-Ja-j])\]|([A-J])\)|([B-HJ])(?=\s)"
    r"|([A-J])(?=[.,:;!?]|\s*$|\s*\n|\s+[-–—(]|\s+(?:because|since|as|or|and)\b)"
    r"|([a-j])(?=[).]?\s*$))",
)
_MARKED = re.compile(r"\(?([A-J])[).:](?=\s|$)|\(([a-j])\)")
_MOST = 20  # boxes or phrases that are examined in one text
_NEXT = re.compile(r"\s*(?:,|/|&|\bor\b|\band\b|\balso\b)+\s*")
_TURN = re.compile(r"<\|[a-z_]+\|>|</s>")


def find(text: str, options: Sequence[str]) -> Found:
    """The letter of the chosen option (None: none) and the rule that found it."""
    said = _TURN.split(thoughts.reply(text))[0]
    for rule in (_boxed, _phrase, _opening, _last_line):
        for statement in rule(said):
            chosen = _list_chosen(statement, options)
            if len(chosen) == 1:
                return Found(chosen[0], rule.__name__.lstrip("_"))
            if chosen:
                return Found(None, "several")
    return Found(None, "none")


def _boxed(text: str) -> Iterator[str]:
    """The contents of the boxes, last first."""
    for mark in reversed(list(_BOX.finditer(text))[-_MOST:]):
        end = close_of(text, mark.end())
        if end is not None:
            yield _unwrap(text[mark.end() + 1 : end])


def _phrase(text: str) -> Iterator[str]:
    """What stands after, or before, a phrase that announces the answer, last first."""
    said = _unwrap(text)
    announced = [(mark.end(), said[mark.end() :]) for mark in _PHRASE.finditer(said)]
    confirmed = [(mark.start(), f"({mark[1]})") for mark in _CONFIRMED.finditer(said)]
    for _, rest in sorted(announced + confirmed, reverse=True)[:_MOST]:
        yield re.split(r"\n|\. (?=[A-Z][a-z])", rest.lstrip(" \t\n:*"))[0]


def _opening(text: str) -> Iterator[str]:
    """The first line, if it alone begins with a letter and a mark."""
    lines = _unwrap(text).strip().split("\n")
    marks = [mark for mark in map(_MARKED.match, lines) if mark]
    if len(marks) == 1 and (first := _MARKED.match(lines[0])):
        yield f"({first[1] or first[2]})"


def _last_line(text: str) -> Iterator[str]:
    """The last line; behind a letter and a mark the words alone; "B is wrong" is no option."""
    line = _unwrap(text).strip().rpartition("\n")[2].strip()
    mark, letter = _MARKED.match(line), _LETTER.match(line)
    if mark:
        yield line[mark.end() :].strip() or line
    elif letter is None or re.search(r"\w", line[letter.end() :]) is None:
        yield line


def _unwrap(text: str) -> str:
    """A text without emphasis, formula marks and commands around text."""
    while (inner := _WRAPPED.sub(r"\1", text)) != text:
        text = inner
    return _MARKS.sub("", text).strip()


def _list_chosen(statement: str, options: Sequence[str]) -> list[str]:
    """The letters of the options that a statement names, each once."""
    letters = ascii_uppercase[: len(options)]
    found: list[str] = []
    rest = statement.strip()
    while mark := _LETTER.match(rest):
        letter = next(filter(None, mark.groups())).upper()
        if letter not in letters:
            break
        found.append(letter)
        behind = rest[mark.end() :]
        joined = _NEXT.match(behind)
        rest = behind[joined.end() :] if joined else ""
    return list(dict.fromkeys(found)) or _match_text(rest, options)


def _match_text(statement: str, options: Sequence[str]) -> list[str]:
    """The letters of the options whose text the statement is."""
    said = math_answers.clean(statement)
    if len(said) > 2 * max(map(len, options)) + 20:  # a sentence and no option
        return []
    pairs = [(math_answers.clean(_unwrap(option)), said) for option in options]
    return [
        letter
        for letter, equal in zip(ascii_uppercase, math_answers.compare(pairs), strict=False)
        if equal
    ]
