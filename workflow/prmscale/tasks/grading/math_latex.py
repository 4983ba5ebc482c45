r"""LaTeX and Unicode of math answers as plain text.

Every sign has one spelling, layout is removed, and words stand in `"` marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": r"\times ", "·": r"\cdot ",
    "⋅": r"\cdot ", "∗": "*", "÷": "/", "∕": "/", "⁄": "/", "π": r"\pi ", "∞": r"\infty ",
    "≤": r"\leq ", "≥": r"\geq ", "≠": r"\neq ", "∪": r"\cup ", "∈": r"\in ", "°": r"^\circ ",
    "º": r"^\circ ", "±": r"\pm ", "∓": r"\mp ", "∅": r"\emptyset ", "θ": r"\theta ",
    "…": r"\ldots ", "½": r"\frac{1}{2}", "⅓": r"\frac{1}{3}", "⅔": r"\frac{2}{3}",
    "¼": r"\frac{1}{4}", "≈": r"\approx ", "¾": r"\frac{3}{4}", "⅕": r"\frac{1}{5}",
    "⅙": r"\frac{1}{6}", "⅛": r"\frac{1}{8}", "√": r"\sqrt ", "∛": r"\sqrt[3]", "€": "$",
    "£": "$", "¥": "$", "₹": "$", "’": "'", "‘": "'", "“": "", "”": "", '"': "", "α": r"\alpha ",
    r"\lt": "<", r"\gt": ">", r"\varnothing": r"\emptyset ", r"\leqslant": r"\leq ",
    r"\geqslant": r"\geq ", r"\lbrace": r"\{", r"\rbrace": r"\}", r"\cdots": r"\ldots ",
    r"\dots": r"\ldots ", r"\degree": r"^\circ ", r"^\circ": r"^\circ ", r"^{\circ}": r"^\circ ",
    r"\%": "%", r"\#": "", r"\$": "", "$": "", r"\lparen": "(", r"\rparen": ")", r"\left.": "",
    r"\right.": "", r"\colon": ":", r"\langle": "(", r"\rangle": ")",
}  # fmt: skip
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_ROW = "\x01"  # stands for \\ while the other backslashes are looked at
_GONE = re.compile(
    r"\\(?:text)?color *\{[^{}]*\}|\\(?:tag|hspace|vspace|phantom|label) *\{[^{}]*\}"
    r"|\\(?:blacksquare|square|qed|Box|bf|it|large|Large|small|normalsize)(?![A-Za-z])"
    r"|(?<![A-Za-z}])\{\}|\x01 *$|US(?=\$)|USD(?= *\d)"
)
_LAYOUT = re.compile(
    r"\\(?:left|right|middle|[Bb]igg?[lrm]?|displaystyle|textstyle|limits|hfill|boldsymbol"
    r"|mathbf|bm)"
    r"(?![A-Za-z])"
    r"|\\!|\\[()\[\]]"
)
_SPACE = re.compile(r"\\(?:q?quad|thinspace|medspace|enspace)(?![A-Za-z])|\\[,;:> ]|~|\s")
_THOUSANDS = re.compile(r"(?<=\d)(?:\{,\}|,\\!|\\,|\\ ) *(?=\d{3}(?!\d))")
_WORDS = re.compile(r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|[mh]box|emph)\s*\{")
_ROMAN = re.compile(r"\\(?:math(?:rm|it|sf|tt|cal)|rm|operatorname\*?)\s*\{")
_FRAMES = re.compile(r"\\(?:boxed|fbox|framebox|ensuremath|underline|displaylines)\s*\{")
_NAMES = """arcsin arccos arctan sinh cosh tanh sin cos tan cot sec csc log ln exp gcd lcm max min
det deg lim"""
_FUNCTIONS = frozenset(_NAMES.split())
_BARE = re.compile(
    r"(?<![\\A-Za-z])(arc(?:sin|cos|tan)|sin|cos|tan|cot|sec|csc|log|ln|sqrt|pi|infinity|infty)"
    r"(?![A-Za-z])"
)
_BARE_SPELLING = {"infinity": r"\infty ", "infty": r"\infty "}
# a word, not a product of variables: in quotation marks, long, or one of these
_SHORT = "(?i:or|no|an|am|pm|to|of|is|it|at|by)"
_PRODUCTS = "abc|abcd|abd|bcd|ijk|uvw"
WORD = re.compile(
    rf'"[^"]*"|(?<![\\A-Za-z])'
    rf"(?:(?!(?:{_PRODUCTS})(?![A-Za-z]))(?=[A-Za-z]*[aeiouAEIOU])[A-Za-z]{{3,}}"
    rf"|{_SHORT})(?![A-Za-z])"
)
_MOST = 60  # commands of a kind that are replaced in one answer


def normalise(text: str) -> str:
    """The text with one spelling for every sign, without layout and punctuation."""
    text = re.sub(r"\bUS(?=\\?\$)", "", text)
    text = re.sub(r"(?<!\\)\\(?: |$)", " ", text.replace("\\\\", _ROW))
    text = _rewrite_unicode(_rewrite_numbers(trim(text)))
    text = _unwrap(_LAYOUT.sub("", _GONE.sub("", text)), _FRAMES, str)
    text = _unwrap(_unwrap(text, _WORDS, _quote), _ROMAN, _spell)
    text = re.sub(r"\\[dtc]frac(?![A-Za-z])", r"\\frac", text)
    text = re.sub(r"\\(le|ge|ne)(?![A-Za-z])", r"\\\1q ", text)
    text = _BARE.sub(_add_backslash, _SPACE.sub(" ", text))
    text = re.sub(r"(?<=[\d.])\\(?:bar|dot) *\{?(\d+)\}?", r"\\overline{\1}", text)
    text = _brace_arguments(_last_row(text)).replace("**", "^")
    text = re.sub(" +", " ", text).replace(_ROW, r"\\")
    return trim(text)


def _rewrite_numbers(text: str) -> str:
    """The text with LaTeX for `3x10^4`, `1, 2, ...`, `1{,}000`, `45^o`, `√2` and `∛2`."""
    text = re.sub(r"(?<=,) *\.\.\.", r" \\ldots ", text)
    text = re.sub(r"(?<=\d) *[xX] *(?=10 ?\^)", r"\\times ", text)
    text = _THOUSANDS.sub("", text)
    text = re.sub(_ROW + r" *\[-?[\d.]+ *(?:pt|em|ex|mm|cm)\]", _ROW, text)
    text = re.sub(r"(?<=\d)\^\{?o\}?(?![A-Za-z])", r"^\\circ", text)
    text = re.sub(r"(?:√|(?<![\\A-Za-z])sqrt) *(\d+(?:\.\d+)?)", r"\\sqrt{\1}", text)
    return re.sub(r"∛ *(\d+)", r"\\sqrt[3]{\1}", text)


def _rewrite_unicode(text: str) -> str:
    """The text with LaTeX for Unicode signs, superscripts and subscripts."""
    for sign, latex in _SIGNS.items():
        if sign in text:
            text = text.replace(sign, latex)
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda m: "^{" + m.group().translate(_RAISED) + "}", text)
    text = re.sub("[₀₁₂₃₄₅₆₇₈₉]+", lambda m: "_{" + m.group().translate(_LOWERED) + "}", text)
    return unicodedata.normalize("NFKC", text.replace("\x00", " "))


def _add_backslash(found: re.Match[str]) -> str:
    """The LaTeX command for a function or constant written without a backslash."""
    name = found.group(1)
    return _BARE_SPELLING.get(name, f"\\{name} ")


def trim(text: str) -> str:
    """The text without spaces, emphasis and punctuation around it; `.5` and `5!` keep theirs."""
    end = text.rstrip(" \n*_`.,;:?。，")
    begin = end.lstrip(" \n*_`,;:?")
    return begin if re.match(r"\.\d", begin) else begin.lstrip(" .")


def _quote(words: str) -> str:
    """The words of a text command in quotation marks; a text with digits or no letter as it is."""
    is_words = re.search(r"[A-Za-z]", words) and not re.search(r"\d", words)
    return f' "{words.strip()}" ' if is_words else f" {words} "


def _spell(name: str) -> str:
    """The content of a roman command: a letter, a function, or words."""
    name = name.strip()
    if name in _FUNCTIONS:
        return f"\\{name} "
    return _quote(name) if len(name) > 1 or name in "mgsLhNJWVAKC" else name


def _unwrap(text: str, command: re.Pattern[str], shape: Callable[[str], str]) -> str:
    """The text with each command replaced by its content, in the form that `shape` gives it."""
    for _ in range(_MOST):
        found = command.search(text)
        if found is None:
            break
        end = close_of(text, found.end() - 1)
        if end is None:  # the command never closes
            content, after = text[found.end() :], ""
        else:
            content, after = text[found.end() : end], text[end + 1 :]
        text = text[: found.start()] + shape(content) + after
    return text


def close_of(text: str, at: int) -> int | None:
    """The position where the brace that opens at `at` closes; None if it never does."""
    depth = 0
    for brace in re.compile(r"\\.|[{}]").finditer(text, at):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return brace.start()
    return None


_ALIGNED = re.compile(
    r"\\(?:begin|end) *\{(?:aligned|align\*?|gathered|gather\*?|split|equation\*?)\}"
)
_ARGUMENT = r"(\d|[A-Za-z]|\\(?!frac|sqrt)[A-Za-z]+(?![A-Za-z]))"


def _last_row(text: str) -> str:
    """The last line of a displayed calculation; other texts as they are."""
    if not _ALIGNED.search(text):
        return text
    rows = [row for row in _ALIGNED.sub("", text).split(_ROW) if row.strip()]
    return rows[-1].replace("&", "") if rows else ""


def _brace_arguments(text: str) -> str:
    r"""The text with the implied braces: `\frac12`, `\frac\pi2`, `\sqrt2`, `2^(10)`, `2^-3`."""
    text = re.sub(r"\{([^{}]*)\\choose([^{}]*)\}", r"\\binom{\1}{\2}", text)
    text = re.sub(rf"\\frac *{_ARGUMENT} *{_ARGUMENT}", r"\\frac{\1}{\2}", text)
    text = re.sub(rf"\\frac *{_ARGUMENT} *\{{", r"\\frac{\1}{", text)
    text = re.sub(rf"(\\frac *\{{[^{{}}]{{0,80}}\}}) *{_ARGUMENT}", r"\1{\2}", text)
    text = re.sub(
        rf"\\sqrt *(?:{_ARGUMENT}|(\\frac\{{[^{{}}]*\}}\{{[^{{}}]*\}}))", _under_root, text
    )
    text = re.sub(r"\^ *-(\w+)", r"^{-\1}", re.sub(r"\^\(([^()]{0,200})\)", r"^{\1}", text))
    text = re.sub(r"([_^])\{(\w)\}", r"\1\2", text)
    for _ in range(3):
        text = re.sub(r"\\sqrt *\(((?:[^()]|\([^()]*\)){0,200})\)", r"\\sqrt{\1}", text)
    return re.sub(r"\\(frac|sqrt) +(?=[{\[])", r"\\\1", text)


def _under_root(found: re.Match[str]) -> str:
    return f"\\sqrt{{{found.group(1) or found.group(2)}}}"
