r"""Math answers as forms: one form for all ways to write an answer. Nothing is calculated here.

A text becomes one of
- a number, exact: `1,000`, `\frac{1}{2}`, `2\frac{1}{2}` (mixed: 5/2, never 21/2), `.5`, `1.0e5`,
  `3 \times 10^{4}`;
- an expression, which `math_worker` reads: `\sqrt{3}/2`, `2k+2`;
- words, compared without regard to case, spaces and punctuation: `\text{east}` is not
  `\text{west}`, `(B)` is not `(C)`;
- an unordered collection: `3, 5, 7`, `\{7, 5, 3\}`, `x = 3 or x = 5`, `1 \pm \sqrt{2}`, and a
  union of intervals;
- an ordered collection: pairs and intervals with their brackets, matrices by rows, ratios (`3:1`
  is not `3`);
- an equation; but `x = 5` is read as `5`, `y = 2x + 3` as `2x + 3`, and both `x \in [3, 5]` and
  `3 \leq x \leq 5` as `[3, 5]`.

A comma is a thousands separator only in `\d{1,3}(,\d{3})+`: `6,9` is a list and not 69. A unit is
removed only after a single number: `18 dollars`, `45^\circ`, `50\%`, `864 \mbox{ inches}^2` (but
3 m is not 3 cm). `3 \text{ hours } 20 \text{ minutes}` is neither 320 nor 3 but words, and so is
`10:30 a.m.`. A text with `\ldots` is equal only to the same text. An answer without a letter or
digit has the form NONE, which is equal to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Form:
    """The form of an answer.

    `kind` is none, number, expression, words, set, union, tuple, matrix, ratio or equation. `text`
    is the canonical text of a form without `parts`, the two brackets of a tuple, or the sign of an
    equation. `unit` is a well-known unit after it, `name` the variable that has this value.
    """

    kind: str
    text: str
    parts: tuple[Form, ...] = ()
    unit: str = ""
    name: str = ""

    def __str__(self) -> str:
        """The canonical text: the same for all answers of this form."""
        inner = [str(part) for part in self.parts]
        match self.kind:
            case "set":
                return "{" + ", ".join(sorted(inner)) + "}"
            case "union":
                return r" \cup ".join(sorted(inner))
            case "tuple":
                return f"{self.text[0]}{', '.join(inner)}{self.text[1]}"
            case "matrix":
                return "matrix[" + "; ".join(inner) + "]"
            case "ratio":
                return ":".join(inner)
            case "equation":
                return f" {self.text} ".join(inner)
        return self.text


NONE = Form("none", "")
