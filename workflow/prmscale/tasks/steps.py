"""Step boundaries: the one module that splits, joins and marks the steps of a solution.

The policy and the data set determine the rule by which a solution is divided into steps. Labelling,
training, scoring and search all use this module, so that there is always one score for each step.
Every rule reads a text line by line and decides whether a line begins a new step, given the lines
of the step before it. Therefore the steps of a truncated text are the first steps of the whole
text. A step holds its text without the line end that closes it; `join` adds the line end again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from prmscale.study import StepRule

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STEP_END = "\n"
_WORDS = "words_"  # then the number
_LONGEST = 400  # lines; a longer step is not parsed, so that no text takes long

# `Step 1:`, `## Step 1: Add`, `**Step 1**`: how Llama 3, Math-Shepherd and many others begin a step
_MARK = re.compile(r"\s*(?:#{1,6}\s*)?(?:\*\*|__)?step\s*\d+\b", re.IGNORECASE)
_NUMBERED = re.compile(_MARK.pattern + r"\s*(?:\*\*|__)?\s*[:.]?\s*(?:\*\*|__)?\s*", re.IGNORECASE)
_FENCE = re.compile(r"\s*(?:```|~~~)")
_CONTINUES = re.compile(r"(?:else\s*:|elif\b|except\b|finally\s*:|[)\]}])")
_DEFINES = re.compile(r"(?:async\s+def|def|class)\s|@")
_IS_COMPOUND = re.compile(r"(?:async|def|class|for|with|match)\s|(?:if|while)\b|try\s*:|@")

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPOUNDS = (
    *_DEFINITIONS,
    *(
        ast.If,
        ast.For,
        ast.AsyncFor,
        ast.While,
        ast.With,
        ast.AsyncWith,
        ast.Try,
        ast.TryStar,
        ast.Match,
    ),
)


def split(text: str, rule: StepRule = "line") -> list[str]:
    """The steps of a solution. No step is blank, and the indentation of code is kept.

    `line`: the lines that are not blank. `blank_line`: the paragraphs; a paragraph that is followed
    by blank lines ends in one. `marked`: from a line that begins with `Step N` to the next such
    line; the text before the first is one step. `words_N`: the lines up to the one with the step's
    word N; words, because every tokenizer counts them alike. The other rules are for code; they
    read its syntax tree. `statement`: the statements of the module. `block`: the compound
    statements of the module and its functions, and the runs of simple statements between them.
    `function`: the functions, classes and methods, and the code between them. All rules but the
    first two keep every line as it is. Prose and
    fences around code belong to the step next to them.
    """
    *lines, rest = text.split(STEP_END)
    steps: list[list[str]] = []
    for line in [*lines, rest] if rest else lines:
        if steps and not _begins(line, steps[-1], rule):
            steps[-1].append(line)
        else:
            steps.append([line])
    return [_write(step, rule) for step in steps if _is_filled(step)]


def end_of_first(text: str, rule: StepRule = "line", judged: int = 0) -> int | None:
    """The number of characters of the first step of an unfinished text, with what closes the step.

    None if the step may go on. A line closes at its end, and a paragraph at a blank line; the other
    steps close only when the line that begins the next step is complete. The caller knows that none
    of the first `judged` lines begins a new step.
    """
    *lines, _ = text.split(STEP_END)  # the last line is incomplete
    at = 0
    for number, line in enumerate(lines):
        before = lines[:number]
        if rule not in ("line", "blank_line") and number >= judged and _begins(line, before, rule):
            return at
        at += len(line) + 1
        if _closes(line, before, rule):
            return at
    return None


def _closes(line: str, before: Sequence[str], rule: StepRule) -> bool:
    """Whether a complete line closes the step of the lines before it."""
    if rule == "line":
        return bool(line.strip())
    return rule == "blank_line" and _is_filled(before) and not line.strip()


def join(steps: Sequence[str]) -> str:
    """The text of these steps, each closed by the step end."""
    return "".join(step + STEP_END for step in steps)


def drop_number(step: str) -> str:
    """A step without the `Step N:` that it begins with."""
    number = _NUMBERED.match(step)
    return step[number.end() :] if number else step


def _is_filled(lines: Sequence[str]) -> bool:
    return any(line.strip() for line in lines)


def _begins(line: str, step: Sequence[str], rule: StepRule) -> bool:
    """Whether a line begins a new step after the lines of this one."""
    if not line.strip() or not _is_filled(step):
        return False
    match rule:
        case "line":
            return True
        case "blank_line":
            return not step[-1].strip()
        case "marked":
            return bool(_MARK.match(line))
    if rule.startswith(_WORDS):
        words = sum(len(each.split()) for each in step)
        return words >= int(rule.removeprefix(_WORDS))
    return _begins_code(line, step, rule)


def _begins_code(line: str, step: Sequence[str], rule: StepRule) -> bool:
    """`_begins` of the rules that read the syntax tree."""
    code = line.lstrip()
    if len(step) > _LONGEST or _FENCE.match(line) or _CONTINUES.match(code):
        return False  # a fence stays with the prose before it, or closes the code
    filled = [each for each in step if each.strip()]
    if len(filled) > 1 and _FENCE.match(filled[-1]):
        return True
    level, indent = _statements(step), len(line) - len(code)
    if level and indent < level[0].col_offset:
        return True
    level = _descend(level, indent, rule)
    if not level or indent < level[0].col_offset:
        return False
    if rule == "statement":
        return True
    if rule == "function":
        return bool(_DEFINES.match(code)) or isinstance(level[-1], _DEFINITIONS)
    return bool(_IS_COMPOUND.match(code)) or isinstance(level[-1], _COMPOUNDS)


def _descend(level: list[ast.stmt], indent: int, rule: StepRule) -> list[ast.stmt]:
    """The statements at this indentation, in the last definition that the rule divides further.

    Empty if the line is inside a statement that the rule does not divide.
    """
    divided: tuple[type[ast.stmt], ...] = _DEFINITIONS
    if rule == "statement":
        divided = ()
    elif rule == "function":
        divided = (ast.ClassDef,)
    while level and indent > level[0].col_offset:
        level = getattr(level[-1], "body", []) if isinstance(level[-1], divided) else []
    return level


def _statements(step: Sequence[str]) -> list[ast.stmt]:
    """The statements in a step's lines; empty if they do not parse or the last is incomplete."""
    lines = [line for line in step if not _FENCE.match(line)]
    first = next((line for line in lines if line.strip()), "")
    indented = first[:1].isspace()
    try:
        body = ast.parse(STEP_END.join(["if 1:", *lines] if indented else lines)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return body[0].body if indented and isinstance(body[0], ast.If) else body


def _write(step: Sequence[str], rule: StepRule) -> str:
    """The text of a step from its lines, the last of which may be blank."""
    if rule not in ("line", "blank_line"):
        return STEP_END.join(step)
    filled = STEP_END.join(line.rstrip() for line in step if line.strip())
    # a blank line follows a paragraph: this line end, and the one that closes every step
    is_paragraph = rule == "blank_line" and not step[-1].strip()
    return filled + STEP_END if is_paragraph else filled


def encode(
    tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
) -> tuple[list[int], list[int]]:
    """The token ids of a bare prompt and its steps, and the index of each step's last token.

    A line end closes the prompt. Each step is tokenised separately, so that a step boundary is
    never inside a token.
    """
    return extend(tokenizer, _tokens(tokenizer, prompt.rstrip() + STEP_END, True), steps)


def extend(
    tokenizer: PreTrainedTokenizerBase, ids: Sequence[int], steps: Sequence[str]
) -> tuple[list[int], list[int]]:
    """The token ids of an encoded prompt and its steps, and the index of each step's last token."""
    whole, ends = list(ids), []
    for step in steps:
        whole += _tokens(tokenizer, step + STEP_END, False)
        ends.append(len(whole) - 1)
    return whole, ends


_ANCHOR = "x" + STEP_END


@lru_cache(maxsize=1 << 16)  # a search meets the same prompts and steps over and over
def _tokens(tokenizer: PreTrainedTokenizerBase, text: str, special: bool) -> tuple[int, ...]:
    """The token ids of the beginning of a text (`special`), or of text that follows a line end.

    The tokenizer must not put a space before text that follows a line end.
    """
    if special:
        return tuple(tokenizer(text)["input_ids"])
    anchor = tokenizer(_ANCHOR, add_special_tokens=False)["input_ids"]
    whole = tokenizer(_ANCHOR + text, add_special_tokens=False)["input_ids"]
    if whole[: len(anchor)] == anchor:
        return tuple(whole[len(anchor) :])
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def decode(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
    """The text of tokens that follow a line end.

    Some tokenizers drop the first space of tokens that they take for the beginning of a text.
    """
    anchor, before = _anchor(tokenizer)
    whole = str(tokenizer.decode([*anchor, *tokens]))
    return whole[len(before) :] if whole.startswith(before) else str(tokenizer.decode(list(tokens)))


@lru_cache(maxsize=16)
def _anchor(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], str]:
    anchor = tokenizer(_ANCHOR, add_special_tokens=False)["input_ids"]
    return anchor, str(tokenizer.decode(anchor))


def tokens_after_line_end(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Token ids of a text that follows a line end."""
    return list(_tokens(tokenizer, text, False))


class Encoded(NamedTuple):
    """A solution as a reward model reads it.

    `ends` are the indices of each step's last token, `start` is that of the solution's first token.
    """

    ids: list[int]
    ends: list[int]
    start: int


def encode_solution(
    tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
) -> Encoded:
    """A solution as a reward model reads it: one line end closes each step, whatever the rule.

    The prompt is tokenised separately, so that its length is known.
    """
    read = [step.strip(STEP_END).rstrip() for step in steps]
    return Encoded(*encode(tokenizer, prompt, read), start=len(encode(tokenizer, prompt, ())[0]))
