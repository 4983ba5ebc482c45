r"""Final answers of math solutions: found in the text, compared, and made canonical for votes.

These rules look for the answer, in this order; the first that finds one decides:
- `boxed`: the last `\boxed{…}` with content; several boxes in one sentence are one list.
- `answer_tag`: the last `<answer>…</answer>`.
- `hash_mark`: GSM8K's `#### 18`, the first one; a heading with four marks does not count.
- `phrase`: the rest of the sentence after "the answer is", "Final answer:", "**Answer:**", "A:" and
  the like. The last such phrase with an answer counts ("Let me check my answer." and "The answer is
  correct." have none). If the rest of the sentence is long, its last formula or number is the
  answer.
- `closing_formula`: the formula at the end of the last sentence.
- `last_number`: the last number of the text. If there is no number either, the rule is `none`.

Thoughts are removed first, and so is the text that a base model writes after its solution: the next
question of a few-shot prompt ("Question: …", "Problem: …", "User: …").
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

from prmscale.tasks import thoughts
from prmscale.tasks.grading.math_equality import compare_answers
from prmscale.tasks.grading.math_forms import NONE, Form
from prmscale.tasks.grading.math_latex import close_of, trim
from prmscale.tasks.grading.math_numbers import is_rounded
from prmscale.tasks.grading.math_reading import read
from prmscale.tasks.grading.worker import Worker

_START = 60.0  # seconds: the first comparison waits for the imports of the helper
_worker: list[Worker] = []


class Found(NamedTuple):
    """A final answer (None: there is none) and the name of the rule that found it."""

    answer: str | None
    rule: str


def extract(text: str) -> str | None:
    """The final answer of a solution, None if there is none."""
    return find(text).answer


def find(text: str) -> Found:
    """The final answer of a solution and the rule that found it."""
    said = thoughts.reply(text).replace("\r\n", "\n").replace("\r", "\n")
    said = said.replace(r"\$", "").replace("−", "-").encode(errors="replace").decode()
    ended = _END_OF_TEXT.search(said)
    said = said[: ended.start()] if ended else said
    first = None
    for next_problem in islice(_NEXT_PROBLEM.finditer(said), _MOST):
        before = _find(said[: next_problem.start()])
        # a reply may repeat its problem after a number
        is_plain = next_problem.group().strip() in ("Q:", "User:", "Human:")
        if before.rule not in _WEAK or (before.answer is not None and is_plain):
            return before
        if first is None and before.answer is not None:
            first = before
    found = _find(said)
    return first if first and found.rule in _WEAK else found


_WEAK = ("none", "last_number")
_MOST = 20  # next problems, boxes or phrases that are examined in one text
_END_OF_TEXT = re.compile(
    r"<\|(?:im_end|im_start|eot_id|eom_id|endoftext|end_of_text|end|user|assistant|return)\|>"
    r"|<(?:/s|eos|end_of_turn)>|<｜end▁of▁sentence｜>|\[/?INST\]"
)
_NEXT_PROBLEM = re.compile(
    r"(?<=\n)[ \t]*(?:#{1,4} *)?(?:\*\*)?"
    r"(?:Question|Problem|Human|User|Instruction|Exercise|Q)(?: *\d{1,4})?"
    r"(?:\*\*)? *:|(?<=\n)[ \t]*#{2,4} *(?:Instruction|Question|Problem|User|Human)\b"
)
_BOX = re.compile(
    r"\\(?:boxed|fbox|framebox) *(?=\{)|\\boxed *(?=[^\s{A-Za-z])|\\boxed +(?=[^\s{])"
)
_JOINT = re.compile(r"[\s$,;.]|\b[A-Za-z] *=|\\[,;: ()]|\\(?:text|mbox)\{|\}|and|or|\*")
_TAG = re.compile(r"<answer>([^<]{1,3000})</answer>", re.IGNORECASE)
_HASH = re.compile(r"^[ \t]*####(?!#)[ \t]*([^\n]+)", re.MULTILINE)
# `#### Step 1`, `#### 2. Add`
_HEADING = re.compile(r"\d+[.)]\s+[A-Za-z]|[^\\\d$]{0,3}(?<![\\A-Za-z])[A-Za-z]{2,}")
_PHRASE = re.compile(
    r"\banswers?\b[\"'*_]{0,3},?"
    r"(?:[ \t](?!is\b|are\b|was\b)[^\s.:=$]{1,30}){0,8}?[ \t]*(?:\*\*|__)?"
    r"(?:[ \t]+(?:is|are|was|were|would be|should be|will be|must be|comes? out to be|equals)\b"
    r"[ \t]*(?:\*\*)?[:=]?"
    r"|[ \t]*(?:\*\*)?[:=])"
    r"|\b(?:correct |right )?(?:option|choice)[ \t]+(?:is\b[ \t]*:?|:)"
    r"|^[ \t]*(?:\*\*|#{1,6}[ \t]*)(?:\*\*)?(?:the )?(?:final )?answers?"
    r"(?:\*\*)?[ \t]*:?(?:\*\*)?[ \t]*$"
    r"|^[ \t]*A[ \t]*:(?=[ \t]*\S)|答案(?:是|为|：|:)",
    re.IGNORECASE | re.MULTILINE,
)
# a remark about an answer that is no answer
_REMARK = re.compile(
    r"(?:in|not|as|to|by|of|on|for|at|from|based|given|found|obtained|supposed|verified|which|n't"
    r"|it|this|we|you|they|let|please|if)\b(?! *=)"
    r"|(?:correct|incorrect|wrong|right|valid|reasonable|consistent|clear|easy|unknown|below|above"
    r"|follows|the same)\W*$",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r",? \(?(?:not|rather than|instead of|because|since|which|as|so|where|when|if|after|for|but"
    r"|assuming|given|thus|hence|i\.e\.|that is)\b",
    re.IGNORECASE,
)
_NUMERAL = r"(?:\d[\d,]*(?:\.\d+)?|\.\d+)"
_LAST_NUMBER = re.compile(
    rf"(?:(?<![\w.^_)}}\]\\])-)?(?<![\w.^_])[$€£]?{_NUMERAL}"
    r"(?:[eE][-+]?\d+)?(?: \d+/\d+|/\d+|:\d+)?"
    r"(?:\^\{?-?\d+\}?)?(?: ?(?:π|\\pi|√\d+|\\sqrt\{[^{}]{1,40}\}))?(?![A-Za-z](?![A-Za-z]))"
)
_FORMULA = re.compile(
    r"\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\(((?:[^\\]|\\[^)])+)\\\)|\\\[((?:[^\\]|\\[^\]])+)\\\]"
)
_CLOSES_TEXT = re.compile(r"(?:\$\$?|\\\)|\\\])[\s.*]*$")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")
_COMMANDS = re.compile(r"\\(?:text|mbox|mathrm|begin|end)\{[^{}]*\}")
_HTML = re.compile(r"</?[a-z]{1,6}>")
_IS_TOLD = re.compile(r"[\d\\]|^\(?[A-Z]|π|∞")  # a number, a formula, a choice or a name
_CHOSEN = re.compile(r"\(?\b([A-J])\)?\.? is (?:the )?(?:correct|right|best)\b")
_EMPHASIS = re.compile(r"(?<!\d)(?:\*\*|__)|\*\*(?!\d)|`")  # but 2**3
_DISPLAY = re.compile(r"^\\[(\[]|\\[)\]]$")
_LEAD = re.compile(
    r"^(?:\\text(?:bf)? *\{)?"
    r"(?:(?:simply|just|equal to|therefore|thus|indeed|also|still|actually|clearly|exactly|now"
    r"|the (?:number|integer|value|fraction)(?= [-\d$\\])"
    r"|(?:the )?(?:final )?answer(?: is)?|:|=)[,:]?\s+)+",
    re.IGNORECASE,
)
_WITH_UNIT = re.compile(rf"([-+]?{_NUMERAL}) *[A-Za-z][A-Za-z /.]*")
_WINDOW = 3000  # characters of the text after a phrase, or of the last sentence, that are read


def _find(text: str) -> Found:
    for rule in (_boxed, _answer_tag, _hash_mark, _phrase, _closing_formula, _last_number):
        answer = rule(text)
        if answer is not None:
            return Found(answer, rule.__name__.lstrip("_"))
    return Found(None, "none")


def _boxed(text: str) -> str | None:
    boxes = [_read_box(text, mark) for mark in list(_BOX.finditer(text))[-_MOST:]]
    filled = [box for box in boxes if read(box[2]) is not NONE]
    if not filled:
        return None
    begin, _, content = filled.pop()
    answers = [content]
    while filled:
        earlier_begin, end, content = filled.pop()
        if not _joins_boxes(text[end:begin]):
            break
        answers.insert(0, content)
        begin = earlier_begin
    return ", ".join(answers)


def _joins_boxes(between: str) -> bool:
    """Whether the text between two boxes makes them one list."""
    if len(between) > 40 or _JOINT.sub("", between):
        return False
    return re.search(r",|and|or", between) is not None


def _read_box(text: str, mark: re.Match[str]) -> tuple[int, int, str]:
    """The begin, the end and the content of a box."""
    at = mark.end()
    if text[at : at + 1] != "{":
        token = re.compile(r"[^\s$.,;]+").match(text, at)
        return mark.start(), token.end() if token else at, token.group() if token else ""
    end = close_of(text, at)
    if end is None:  # a brace is missing: to the end of the line
        line = text.find("\n", at)
        end = len(text) if line < 0 else line
        return mark.start(), end, clean(text[at + 1 : end][:_WINDOW].rstrip("$ "))
    return mark.start(), end + 1, clean(text[at + 1 : end])


def _answer_tag(text: str) -> str | None:
    tagged = _TAG.findall(text)
    return _read_sentence(tagged[-1]) if tagged else None


def _hash_mark(text: str) -> str | None:
    for found in _HASH.finditer(text):
        if not _HEADING.match(found.group(1)):
            return _read_sentence(found.group(1))
    return None


def _phrase(text: str) -> str | None:
    words = None
    for mark in reversed(list(_PHRASE.finditer(text))[-_MOST:]):
        answer = _read_sentence(_cut_sentence(text[mark.end() : mark.end() + _WINDOW]))
        if answer is not None and _IS_TOLD.search(answer):
            return answer
        words = words or answer  # "The answer is helpful.", if no other phrase gives an answer
    chosen = _CHOSEN.findall(text)
    return words or (chosen[-1] if chosen else None)


def _read_sentence(sentence: str) -> str | None:
    """The answer that the rest of a sentence gives; None if it gives none."""
    answer = clean(_drop_aside(sentence))
    if _REMARK.match(answer) or read(answer) is NONE:
        return None
    if _is_prose(answer) and (inner := _find_within(sentence)) is not None:
        return inner
    if answer.lower().startswith("that "):
        return None
    number = _WITH_UNIT.fullmatch(answer)
    if number and read(number.group(1)) == replace(read(answer), unit=""):
        return number.group(1)
    return answer


def _is_prose(answer: str) -> bool:
    """Whether an answer has too many words to be one."""
    words = _count_words(answer)
    if words <= 2:
        return False
    return words > 6 or not re.search(r"[\d\\]", answer) or read(answer).kind == "words"


def _find_within(sentence: str) -> str | None:
    """The last emphasised words of a sentence, else its last formula, else its last number."""
    if emphasised := re.findall(r"\*\*([^*\n]+)\*\*", sentence):
        return clean(emphasised[-1])
    if formulas := _formulas(sentence):
        return clean(formulas[-1])
    return _last_number(sentence)


def _formulas(text: str) -> list[str]:
    """The contents of the formulas of a text."""
    return [next(filter(None, each)) for each in _FORMULA.findall(text)]


def _count_words(text: str) -> int:
    """The number of words of a text, without those of its commands."""
    return len(_WORD.findall(_COMMANDS.sub("", text)))


_DISPLAYS = {"$$": "$$", r"\[": r"\]"}
_OPENING, _CLOSING = re.compile(r"[(\[{]"), re.compile(r"[)\]}]")
_ENDS = re.compile(r"[.!?;](?=[ \n*\"')$]|\Z)")
_GOES_ON, _NEXT_SENTENCE = re.compile(r" *[=+*/^)\-]"), re.compile(r" +[A-Z]")
_PRICE = re.compile(r"\$\d[\d,.]*$")
_ABBREVIATION = re.compile(r"\b(?:[ap]|[ap]\.m|vs|approx|no|i\.e|e\.g)$", re.IGNORECASE)


def _cut_sentence(text: str) -> str:
    """The text up to the end of its sentence, which never cuts a formula.

    The sentence may begin on a new line.
    """
    text = text.lstrip(" \t\n*:_=")
    for opens, closes in _DISPLAYS.items():
        if text.startswith(opens):
            return text[2:].partition(closes)[0]
    if text.startswith(r"\begin"):
        return text[: text.find("}", text.rfind(r"\end")) + 1]
    line = text.partition("\n")[0]
    while len(line) < len(text) and line.count(r"\begin") > line.count(r"\end"):
        line = text[: len(line) + 1 + len(text[len(line) + 1 :].partition("\n")[0])]
    for end in _ENDS.finditer(line):
        if _ends_sentence(line, end):
            return line[: end.start()]
    return line


def _ends_sentence(line: str, end: re.Match[str]) -> bool:
    """Whether a punctuation mark ends the sentence."""
    before, after = line[: end.start()], line[end.end() :]
    if _PRICE.search(before) and _NEXT_SENTENCE.match(after):
        return True  # it costs $18. The other $5.
    is_factorial = end.group() == "!" and _GOES_ON.match(after) is not None
    if is_factorial or before.endswith("\\") or _ABBREVIATION.search(before):
        return False
    has_open_bracket = len(_OPENING.findall(before)) > len(_CLOSING.findall(before))
    is_in_formula = has_open_bracket or before.count("$") % 2 == 1
    return not (is_in_formula and after)


def _drop_aside(text: str) -> str:
    """The text before an aside, such as ", because …"."""
    found = _ASIDE.search(text)
    return text[: found.start()] if found and re.search(r"\w", text[: found.start()]) else text


def _closing_formula(text: str) -> str | None:
    end = text.rstrip()[-_WINDOW:]
    if not _CLOSES_TEXT.search(end):
        return None
    formulas = _formulas(end)
    answer = clean(formulas[-1]) if formulas else ""
    return answer if answer and read(answer) != NONE and _count_words(answer) < 2 else None


def _last_number(text: str) -> str | None:
    numbers = _LAST_NUMBER.findall(text[-_WINDOW * 10 :])
    return numbers[-1].rstrip(",") if numbers else None


def clean(answer: str) -> str:
    """An answer without formula marks, emphasis, currency and the punctuation around it."""
    said = re.sub(r"^negative (?=[\d\\$])", "-", _EMPHASIS.sub("", _HTML.sub("", answer)).strip())
    if "{" not in said:
        said = said.strip('"}')
    if said.count("$") % 2 == 0 or said.startswith("$"):
        said = said.replace("$", "")
    said = _DISPLAY.sub("", trim(said).replace(r"\(", "").replace(r"\)", ""))
    return trim(_LEAD.sub("", said.strip()))


def to_canonical(answer: str) -> str:
    """The canonical text of an answer, for votes; answers with the same text are equal."""
    return str(read(answer))


_known: dict[tuple[str, str], bool] = {}


def compare(pairs: Sequence[tuple[str, str]], seconds: float = 5.0) -> list[bool]:
    """Whether each pair of a reference and an answer is equal (`math_equality`, `math_worker`).

    A comparison that crashes, or takes longer than `seconds`, counts as not equal and does not
    affect the others. An empty answer equals nothing.
    """
    for gold, answer in dict.fromkeys(pairs):
        if (gold, answer) not in _known:
            _known[gold, answer] = _compare_pair(gold, answer, seconds)
    return [_known[pair] for pair in pairs]


class _UndecidedError(Exception):
    """Only the helper process can compare two expressions."""


def _compare_pair(gold: str, answer: str, seconds: float) -> bool:
    try:
        return compare_answers(gold, answer, _compare_numbers)
    except _UndecidedError:
        return _ask_worker(gold, answer, seconds)


def _compare_numbers(a: Form, b: Form) -> bool:
    """Whether two numbers are equal; raises _UndecidedError for other forms."""
    if not a.kind == b.kind == "number":
        raise _UndecidedError
    x, y = Fraction(str(a)), Fraction(str(b))
    # 50 % equals 50 and 0.5
    is_percentage = (a.unit, b.unit, x) == ("percent", "", 100 * y)
    is_percentage |= (a.unit, b.unit, y) == ("", "percent", 100 * x)
    return x == y or is_percentage or is_rounded(x, y) or is_rounded(y, x)


def _ask_worker(gold: str, answer: str, seconds: float) -> bool:
    if not _worker:
        _worker.append(Worker([sys.executable, "-m", "prmscale.tasks.grading.math_worker"]))
        _worker[0].ask(["1", "1"], _START)
    found = _worker[0].ask([gold, answer], seconds)
    if found is None:
        _worker.clear()
    return bool(found and found["equal"])
