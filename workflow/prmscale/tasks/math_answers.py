r"""Final answers of math solutions: found in the text, compared, and given one form for votes.

Where an answer is found, by the first of these rules that finds one:
- `boxed`: the last `\boxed{…}` that holds something; several in one sentence are one list.
- `hash_mark`: GSM8K's `#### 18`, the first one; a heading of four marks is none.
- `phrase`: what follows "the answer is", "Final answer:", "**Answer:**", "A:" and the like, to the end of the sentence
  or of the formula: the last such phrase that holds an answer. "Let me check my answer." and "The answer is correct." do
  not. Of a phrase of many words the last formula or number is taken.
- `closing_formula`: the formula that the last sentence ends with.
- `last_number`: the last number of the text, for want of anything better.
Without any of them the rule is `none`. Thoughts are taken off before, and so is what a base model writes after its
solution: the next question of a prompt of examples ("Question: …", "Problem: …", "User: …").
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from prmscale.tasks import thoughts
from prmscale.tasks.math_forms import NONE, Form, equal_forms, is_rounded, read
from prmscale.tasks.math_latex import close_of, trim
from prmscale.tasks.worker import Worker

_START = 60.0  # seconds: the first comparison waits for the imports of the helper
_worker: list[Worker] = []


class Found(NamedTuple):
    """A final answer, None if there is none, and the name of the rule that found it."""

    answer: str | None
    rule: str


def extract(text: str) -> str | None:
    """The final answer of a solution, None if there is none."""
    return find(text).answer


def find(text: str) -> Found:
    """The final answer of a solution and the rule that found it."""
    said = thoughts.reply(text).replace("\r\n", "\n").replace("\r", "\n").replace(r"\$", "")
    ended = _END_OF_TEXT.search(said)
    said = said[: ended.start()] if ended else said
    for next_one in _NEXT_PROBLEM.finditer(said):
        if (before := _find(said[: next_one.start()])).answer is not None:
            return before
    return _find(said)


_END_OF_TEXT = re.compile(r"<\|(?:im_end|eot_id|endoftext|end_of_text|end)\|>|<(?:/s|eos|end_of_turn)>")
_NEXT_PROBLEM = re.compile(
    r"(?<=\n)[ \t]*(?:#{1,4} *)?(?:\*\*)?(?:Question|Problem|Human|User|Instruction|Exercise|Q)(?: *\d{1,4})?(?:\*\*)? *:|"
    r"(?<=\n)[ \t]*#{2,4} *(?:Instruction|Question|Problem|User|Human)\b"
)
_BOX = re.compile(r"\\(?:boxed|fbox|framebox) *(?=\{)|\\boxed +(?=[^\s{])")
_JOINT = re.compile(r"[\s$,;.]|\\[,;: ()]|\\(?:text|mbox)\{|\}|and|or|\*")
_HASH = re.compile(r"^[ \t]*####(?!#)[ \t]*([^\n]+)", re.MULTILINE)
_HEADING = re.compile(r"\d+[.)]\s+[A-Za-z]|[^\\\d$]{0,3}(?<![\\A-Za-z])[A-Za-z]{2,}")  # `#### Step 1`, `#### 2. Add`
_PHRASE = re.compile(
    r"\banswers?\b(?:[ \t](?!is\b|are\b|was\b)[^\s.:=$]{1,30}){0,8}?[ \t]*(?:\*\*|__)?"
    r"(?:[ \t]+(?:is|are|was|were|would be|should be|will be|must be|comes? out to be|equals)\b[ \t]*(?::|\*\*:|\*\*|=)?|[ \t]*(?:\*\*)?[:=])"
    r"|\b(?:correct |right )?(?:option|choice)[ \t]+(?:is\b[ \t]*:?|:)"
    r"|^[ \t]*(?:\*\*|#{1,6}[ \t]*)(?:\*\*)?(?:the )?(?:final )?answers?(?:\*\*)?[ \t]*:?(?:\*\*)?[ \t]*$"
    r"|^[ \t]*A[ \t]*:(?=[ \t]*\S)",
    re.IGNORECASE | re.MULTILINE,
)
_REMARK = re.compile(
    r"(?:correct|incorrect|wrong|right|not|in|as|below|above|given|that|found|obtained|based|also|therefore|to|by|of|on|"
    r"for|which|verified|clear|easy|supposed|consistent|reasonable|valid|n't|simply the|unknown)\b(?![ \t]*(?:solution|$))",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r",? \(?(?:because|since|which|as|so|where|when|if|after|for|but|assuming|given|thus|hence|i\.e\.|that is)\b",
    re.IGNORECASE,
)
_LAST_NUMBER = re.compile(
    r"(?<![\w.)}\]])[-−]?[$€£]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:/\d+)?|(?:\d[\d,]*(?:\.\d+)?)(?:/\d+)?"
)
_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\(((?:[^\\]|\\[^)])+)\\\)|\\\[((?:[^\\]|\\[^\]])+)\\\]")
_CLOSES_TEXT = re.compile(r"(?:\$\$?|\\\)|\\\])[\s.*]*$")
_MANY_WORDS = 7
_WINDOW = 3000  # characters that a phrase, or the last sentence, is looked for in


def _find(text: str) -> Found:
    for rule in (_boxed, _hash_mark, _phrase, _closing_formula, _last_number):
        answer = rule(text)
        if answer is not None:
            return Found(answer, rule.__name__.lstrip("_"))
    return Found(None, "none")


def _boxed(text: str) -> str | None:
    boxes = [_box(text, mark) for mark in list(_BOX.finditer(text))[-50:]]
    held = [(begin, end, content) for begin, end, content in boxes if read(content) is not NONE]
    if not held:
        return None
    begin, _, content = held[-1]
    answers = [content]
    for earlier in reversed(held[:-1]):
        between = text[earlier[1] : begin]
        if len(between) > 40 or _JOINT.sub("", between) or not re.search(r",|and|or", between):
            break
        answers.insert(0, earlier[2])
        begin = earlier[0]
    return ", ".join(answers)


def _box(text: str, mark: re.Match[str]) -> tuple[int, int, str]:
    """Where a box begins and ends, and what it holds."""
    at = mark.end()
    if text[at : at + 1] != "{":
        token = re.compile(r"[^\s$.,;]+").match(text, at)
        return mark.start(), token.end() if token else at, token.group() if token else ""
    end = close_of(text, at)
    if end is None:  # a brace is missing: to the end of the line
        line = text.find("\n", at)
        end = len(text) if line < 0 else line
        return mark.start(), end, clean(text[at + 1 : end][:_WINDOW])
    return mark.start(), end + 1, clean(text[at + 1 : end])


def _hash_mark(text: str) -> str | None:
    for found in _HASH.finditer(text):
        if not _HEADING.match(found.group(1)):
            return _said(found.group(1))
    return None


def _phrase(text: str) -> str | None:
    for mark in reversed(list(_PHRASE.finditer(text))):
        answer = _said(_rest(text[mark.end() : mark.end() + _WINDOW]))
        if answer is not None:
            return answer
    return None


def _said(rest: str) -> str | None:
    """The answer in the rest of a phrase; None where it holds none."""
    answer = clean(rest)
    if _REMARK.match(answer) or read(answer) is NONE:
        return None
    words = re.findall(
        r"(?<![\\A-Za-z])[A-Za-z]{2,}", re.sub(r"\\(?:text|mbox|mathrm|begin|end)\{[^{}]*\}", "", answer)
    )
    if len(words) >= _MANY_WORDS or (len(words) > 2 and re.search(r"\d", answer) and read(answer).kind == "words"):
        return _within(rest) or answer
    form = read(answer)
    # of a plain number with its unit the number alone
    number = re.fullmatch(r"([-−+]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)) *[A-Za-z][A-Za-z /.]*", answer)
    return (
        number.group(1).replace("−", "-")
        if number and form.kind == "number" and "illion" not in answer
        else answer.replace("−", "-")
    )


def _within(rest: str) -> str | None:
    """Of many words the emphasised one, the last formula or the last number."""
    if emphasised := re.findall(r"\*\*([^*\n]+)\*\*", rest):
        return clean(emphasised[-1])
    if formulas := [next(filter(None, each)) for each in _FORMULA.findall(rest)]:
        return clean(formulas[-1])
    return _last_number(rest)


def _rest(text: str) -> str:
    """The text to the end of its sentence; formulas and brackets are whole, and an answer may begin on a new line."""
    text = text.lstrip(" \t\n*:_=")
    for shown in ("$$", r"\[", r"\begin"):
        if text.startswith(shown):
            closes = {"$$": "$$", r"\[": r"\]", r"\begin": r"\end"}[shown]
            end = text.find(closes, len(shown))
            return (
                text[: end + len(closes)]
                if end >= 0 and shown != r"\begin"
                else text[: text.find("}", end) + 1]
                if end >= 0
                else text
            )
    depth, in_formula = 0, False
    for i, letter in enumerate(text):
        depth = max(0, depth + (letter in "([{") - (letter in ")]}"))
        in_formula ^= letter == "$"
        if letter == "\n" and not (text.startswith("\\begin", text.rfind("\n", 0, i) + 1)):
            return _without_aside(text[:i])
        ends = letter in ".!?;" and text[i - 1 : i] != "\\" and (i + 1 == len(text) or text[i + 1] in " \n*\"')$")
        if (
            ends
            and not depth
            and not (in_formula and "$" in text[i:] and text[i + 1 : i + 2] != "$")
            and not re.search(r"\b(?:a|p|vs|approx|no)$", text[:i][-6:], re.IGNORECASE)
        ):
            return _without_aside(text[: i + (letter == "!" and text[i - 1 : i].isdigit())])
    return _without_aside(text)


def _without_aside(text: str) -> str:
    found = _ASIDE.search(text)
    return text[: found.start()] if found and re.search(r"\w", text[: found.start()]) else text


def _closing_formula(text: str) -> str | None:
    end = text.rstrip()[-_WINDOW:]
    if not _CLOSES_TEXT.search(end):
        return None
    formulas = [next(filter(None, each)) for each in _FORMULA.findall(end)]
    answer = clean(formulas[-1]) if formulas else ""
    return answer if answer and read(answer) is not NONE else None


def _last_number(text: str) -> str | None:
    numbers = _LAST_NUMBER.findall(text[-_WINDOW * 10 :])
    return numbers[-1].replace("−", "-").rstrip(",") if numbers else None


def clean(answer: str) -> str:
    """An answer without the marks of formulas and emphasis, currency and punctuation around it."""
    answer = answer.strip().strip("`").strip()
    if answer.count("$") % 2 == 0 or answer.startswith("$"):
        answer = answer.replace("$", "")
    answer = re.sub(r"^\\[(\[]|\\[)\]]$", "", trim(answer).replace(r"\(", "").replace(r"\)", ""))
    answer = re.sub(
        r"^(?:\\text(?:bf)? *\{)?(?:simply|just|equal to|therefore|thus|:|=)\s+",
        "",
        answer.strip(),
        flags=re.IGNORECASE,
    )
    return trim(answer)


def canonical(answer: str) -> str:
    """One text for answers that are written alike, for votes: answers with one canonical text are equal."""
    return str(read(answer))


_known: dict[tuple[str, str], bool] = {}


def equal(pairs: Sequence[tuple[str, str]], seconds: float = 5.0) -> list[bool]:
    """Whether each (reference, answer) says the same, as `math_forms` and `math_worker` tell, within `seconds`.

    A comparison that hangs or crashes counts as not equal and costs no other. An empty answer is equal to nothing.
    """
    for gold, answer in dict.fromkeys(pairs):
        if (gold, answer) not in _known:
            _known[gold, answer] = _same(gold, answer, seconds)
    return [_known[pair] for pair in pairs]


class _Undecided(Exception):
    """Only the helper can say whether two expressions are equal."""


def _same(gold: str, answer: str, seconds: float) -> bool:
    a, b = read(gold), read(answer)
    try:
        return equal_forms(a, b, _numbers)
    except _Undecided:
        return _verified(gold, answer, seconds)


def _numbers(a: Form, b: Form) -> bool:
    """Whether two numbers are equal; raises _Undecided for anything else."""
    if a.kind == b.kind == "number":
        x, y = Fraction(str(a)), Fraction(str(b))
        # 50 % is 50 and 0.5
        hundredth = (a.unit, b.unit, x) == ("percent", "", 100 * y) or (a.unit, b.unit, y) == ("", "percent", 100 * x)
        return x == y or hundredth or is_rounded(x, y) or is_rounded(y, x)
    raise _Undecided


def _verified(gold: str, answer: str, seconds: float) -> bool:
    if not _worker:
        _worker.append(Worker([sys.executable, "-m", "prmscale.tasks.math_worker"]))
        _worker[0].ask(["1", "1"], _START)
    found = _worker[0].ask([gold, answer], seconds)
    if found is None:
        _worker.clear()
    return bool(found and found["equal"])
