"""Whatever a model writes, replies and answers are read without an error."""

from hypothesis import given
from hypothesis import strategies as st

from prmscale.tasks import thoughts
from prmscale.tasks.grading import choices, math_answers, math_equality, replies

LATEX = r"\boxed{ \frac{ \text{ \left( \right) \sqrt[ \begin{ \end{ $ $$ \( \[ { } [ ] ( ) ^ _ & %"
PIECES = [
    *LATEX.split(),
    *("####", "Answer:", "the answer is", "**", "```", "```python\n", "~~~", "<think>", "</think>"),
    *("\n", "\n\n", " ", "\\", "\x00", "\ud800", "é", "½", "−", "1", "0.5", "1e9", "x", "="),
    *("def f(x):\n", "    return x\n", "if __name__", ">>> f(1)\n", "A", "(B)", "<code>", ",", "/"),
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | st.text(max_size=60)


@given(TEXTS)
def test_a_reply_is_read(text):
    thought, said = thoughts.separate(text)
    assert thought + said in text or len(thought + said) <= len(text)
    answer = math_answers.extract(text)
    assert answer is None or answer.strip()
    assert choices.find(text, ["one", "two"]).answer in (None, "A", "B")
    assert isinstance(replies.find("f", "", text).program, str)
    assert isinstance(replies.find(None, "", text).program, str)


@given(TEXTS, TEXTS)
def test_answers_are_compared_alike_from_both_sides(one, other):
    def equal(a, b):
        return math_equality.compare_answers(a, b, lambda a, b: a.text == b.text)

    assert equal(one, other) == equal(other, one)
