"""Step boundaries: the one place that splits, joins and marks the steps of a solution.

What a step is, is a rule of the policy and the data set. Labelling, training, scoring and search
all go through this module, so that the number of scores always equals the number of steps. Every
rule reads a text line by line and asks whether a line begins a new step, given the lines of the
step before it: so the steps of a text that is cut are the first steps of the whole text. A step
holds its text without the line end that closes it; `join` writes that again.
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
_LONGEST = 400  # lines of a step beyond which no syntax tree is looked at: no bad text takes long

# `Step 1:`, `## Step 1: Add`, `**Step 1**`: how Llama 3, Math-Shepherd and many others begin a step
_MARK = re.compile(r"\s*(?:#{1,6}\s*)?(?:\*\*|__)?step\s*\d+\b", re.IGNORECASE)
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
    """The steps of a solution; none of them is blank, and indentation (code) is kept.

    `line`: its lines without the blank ones. `blank_line`: its paragraphs; what ends one is written
    as one blank line. `marked`: from one line that begins with `Step N` to the next; what stands
    before the first is a step of its own. For code, by its syntax tree, with every line in place:
    `statement`, the statements of the module; `block`, the compound statements of the module and of
    its functions, and the runs of simple ones between them; `function`, the functions, classes and
    methods, and what stands between them. Prose and fences around code stay with what is next to
    them.
    """
    *lines, rest = text.split(STEP_END)
    steps: list[list[str]] = []
    for line in [*lines, rest] if rest else lines:
        if steps and not _begins(line, steps[-1], rule):
            steps[-1].append(line)
        else:
            steps.append([line])
    return [_written(step, rule) for step in steps if _is_filled(step)]


def end_of_first(text: str, rule: StepRule = "line", judged: int = 0) -> int | None:
    """How many characters the first step of a text in the making takes, with what closes it; None
    if it may go on.

    A line closes at its end and a paragraph at a blank line. Other steps close only when the line
    that begins the next one is whole. Of the first `judged` lines it is known that they begin no
    other step.
    """
    *lines, _ = text.split(STEP_END)  # the last line is not whole yet
    at = 0
    for number, line in enumerate(lines):
        before = lines[:number]
        if rule not in ("line", "blank_line") and number >= judged and _begins(line, before, rule):
            return at
        at += len(line) + 1
        closed = (
            line.strip()
            if rule == "line"
            else rule == "blank_line" and _is_filled(before) and not line.strip()
        )
        if closed:
            return at
    return None


def join(steps: Sequence[str]) -> str:
    """The text of these steps, each closed by the step end."""
    return "".join(step + STEP_END for step in steps)


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
    return _begins_code(line, step, rule)


def _begins_code(line: str, step: Sequence[str], rule: StepRule) -> bool:
    """`_begins` of the rules that look at the syntax tree."""
    said = line.lstrip()
    if len(step) > _LONGEST or _FENCE.match(line) or _CONTINUES.match(said):
        return False  # a fence stays with the prose before it, or closes the code
    filled = [each for each in step if each.strip()]
    if len(filled) > 1 and _FENCE.match(filled[-1]):
        return True
    level = _statements(step)
    indent = len(line) - len(said)
    if level and indent < level[0].col_offset:
        return True
    descends: tuple[type[ast.stmt], ...] = {"statement": (), "function": (ast.ClassDef,)}.get(
        rule, _DEFINITIONS
    )
    while level and indent > level[0].col_offset:
        level = getattr(level[-1], "body", []) if isinstance(level[-1], descends) else []
    if not level or indent < level[0].col_offset:
        return False
    if rule == "statement":
        return True
    pattern, kinds = (_DEFINES, _DEFINITIONS) if rule == "function" else (_IS_COMPOUND, _COMPOUNDS)
    return bool(pattern.match(said)) or isinstance(level[-1], kinds)


def _statements(step: Sequence[str]) -> list[ast.stmt]:
    """The statements in a step's lines; none where they are no Python, or their last one goes on."""
    lines = [line for line in step if not _FENCE.match(line)]
    first = next((line for line in lines if line.strip()), "")
    indented = first[:1].isspace()
    try:
        body = ast.parse(STEP_END.join(["if 1:", *lines] if indented else lines)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return body[0].body if indented and isinstance(body[0], ast.If) else body


def _written(step: Sequence[str], rule: StepRule) -> str:
    """The text of a step from its lines, the last of which may be blank."""
    if rule not in ("line", "blank_line"):
        return STEP_END.join(step)
    filled = STEP_END.join(line.rstrip() for line in step if line.strip())
    # below a paragraph stands a blank line: the line end that closes every step, and this one
    return filled + STEP_END * (rule == "blank_line" and not step[-1].strip())


def encode(
    tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Token ids of a bare prompt, closed by a line end, with its steps, and the index of each
    step's last token.

    Each step is tokenised by itself, so that a boundary never falls inside a token.
    """
    return extend(tokenizer, _tokens(tokenizer, prompt.rstrip() + STEP_END, True), steps)


def extend(
    tokenizer: PreTrainedTokenizerBase, ids: Sequence[int], steps: Sequence[str]
) -> tuple[list[int], list[int]]:
    """Token ids of a prompt as it stands, with its steps, and the index of each step's last token
    (its step end).
    """
    whole, ends = list(ids), []
    for step in steps:
        whole += _tokens(tokenizer, step + STEP_END, False)
        ends.append(len(whole) - 1)
    return whole, ends


_ANCHOR = "x" + STEP_END


@lru_cache(maxsize=1 << 16)  # a search meets the same prompts and steps over and over
def _tokens(tokenizer: PreTrainedTokenizerBase, text: str, special: bool) -> tuple[int, ...]:
    """Token ids of a beginning, or (not `special`) of what follows a line end: no space is put
    before that.
    """
    if special:
        return tuple(tokenizer(text)["input_ids"])
    anchor, whole = (
        tokenizer(each, add_special_tokens=False)["input_ids"] for each in (_ANCHOR, _ANCHOR + text)
    )
    follows = whole[: len(anchor)] == anchor
    return tuple(
        whole[len(anchor) :] if follows else tokenizer(text, add_special_tokens=False)["input_ids"]
    )


def decode(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int]) -> str:
    """The text of tokens that follow a line end: some tokenizers drop a space where they take it
    for the beginning.
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
    """A solution as a reward model reads it: token ids, each step's last token, and the solution's
    first token.
    """

    ids: list[int]
    ends: list[int]
    start: int


def encode_solution(
    tokenizer: PreTrainedTokenizerBase, prompt: str, steps: Sequence[str]
) -> Encoded:
    """A solution as a reward model reads it, whoever wrote it and by whatever rule: a single line
    end closes a step.

    The prompt is tokenised by itself, so its length is known.
    """
    read = [step.strip(STEP_END).rstrip() for step in steps]
    return Encoded(*encode(tokenizer, prompt, read), start=len(encode(tokenizer, prompt, ())[0]))
