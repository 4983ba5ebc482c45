"""How a language model is asked whether a step is right, and where its verdict is read.

A `Form` of `FORMS` writes the question about the last of some steps, and says where a thought ends
and with which texts a reply gives its verdict. Sources: for ThinkPRM (arXiv 2504.16828)
github.com/mukhal/ThinkPRM (prm/thinkprm.py, prm/thinkprm_api.py, utils/helper.py); for GenPRM
(arXiv 2504.00891) github.com/RyanLiu112/GenPRM (src/prm_evaluation/infer_module,
genprm_inference.py and prm_evaluate.py).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedTokenizerBase

from prmscale.errors import UserError
from prmscale.study import Verifier
from prmscale.tasks import steps as step_text
from prmscale.tasks import thoughts
from prmscale.tasks.base import Prefix, Problem

Messages = list[dict[str, str]]
PROMPT = """Here are a problem and the beginning of a solution.

Problem:
{problem}

Solution so far:
{steps}

Is the solution right up to and including its last step? It need not be complete. Examine the \
last step with care, and end your reply with `Verdict: Yes` or `Verdict: No`."""
VERDICTS = ("Verdict: Yes", "Verdict: No")
_BOX = "<output>\n**Judgement**: $\\boxed{"


class Form(ABC):
    """How a family of verifiers is asked.

    `verdicts` are the texts of a good and of a bad verdict; a thought ends before one of `stops`.
    `remembers`: the question about a step shows the replies about the steps before it.
    """

    verdicts: tuple[str, str]
    stops: tuple[str, ...] = ()
    remembers = False

    def __init__(self, settings: Verifier) -> None:
        self.settings = settings

    @abstractmethod
    def ask(self, problem: Problem, steps: Prefix, replies: Sequence[str]) -> Messages:
        """The chat that asks about the last step; `replies` are those about the steps before it."""

    def begin(self, number: int) -> str:
        """How a reply about step `number` (from 1) begins when the model is to think."""
        return ""

    def stops_for(self, number: int) -> tuple[str, ...]:
        """The texts that end a thought about step `number`."""
        return self.stops

    def close(self, thought: str, opened: str) -> str:
        """The text of a reply up to its verdict; `opened` is the tag that the prompt ends with."""
        return end_line(thought)


class Judge(Form):
    """A language model with a prompt of the user's.

    A reply that gives its verdict is read there. Otherwise, or if it was cut, an open `<think>` is
    closed, and the verdict is read in a new line.
    """

    def __init__(self, settings: Verifier) -> None:
        super().__init__(settings)
        self.verdicts = settings.verdicts or VERDICTS

    def ask(self, problem: Problem, steps: Prefix, replies: Sequence[str]) -> Messages:
        """One question, without the replies before it."""
        shown = {"{problem}": problem.prompt.rstrip(), "{steps}": show(problem, steps)}
        # in one pass, because a problem may hold `{steps}` itself
        text = re.sub(
            "{problem}|{steps}", lambda at: shown[at.group()], self.settings.prompt or PROMPT
        )
        return [{"role": "user", "content": text}]

    def close(self, thought: str, opened: str) -> str:
        """The reply without a verdict of its own, and the end of an open `<think>`."""
        tag = thoughts.closing_of(opened + thought)
        if tag:
            return f"{end_line(thought)}{tag}\n\n"
        opening = self.verdicts[0][: count_shared(*self.verdicts)].strip()
        before, found, _ = thought.rpartition(opening) if opening else ("", "", "")
        return end_line(before if found else thought)


class ThinkPRM(Form):
    """The template of ThinkPRM: a critique of all steps so far, then `Is the solution correct?`.

    Its authors read the softmax of ` Yes` and ` No` there and average it over parallel critiques,
    for the prefix that ends with the step. A critique without that question gets it appended.
    """

    verdicts = ("Is the solution correct? Yes", "Is the solution correct? No")
    stops = ("Is the solution correct?", "</think>")

    def ask(self, problem: Problem, steps: Prefix, replies: Sequence[str]) -> Messages:
        """The question of the published template."""
        text = (
            "You are given a math problem and a proposed step-by-step solution:\n\n[Math Problem]"
            f"\n\n{problem.prompt.rstrip()}\n\n[Solution]\n\n{show(problem, steps)}\n\n"
            "Review and critique each step in the proposed solution to determine whether each step "
            "is correct. If the solution is incomplete, only verify the provided steps."
        )
        return [{"role": "user", "content": text}]

    def begin(self, number: int) -> str:
        """The published beginning of a critique."""
        return "\nLet's verify step by step:"

    def stops_for(self, number: int) -> tuple[str, ...]:
        """As published, also before a step that does not exist."""
        return (*self.stops, f"Step {number + 1}:")


class GenPRM(Form):
    """The chat of GenPRM: the user writes a paragraph, the model its analysis and judgement.

    Its authors read the softmax of `Yes` and `No` in the box and average it over critiques; the
    chat goes on with the first critique. Their mode `analyze` is used, which runs no code; without
    thoughts, their mode without analysis. An analysis that does not end is closed, as theirs is.
    """

    verdicts = (_BOX + "Yes}", _BOX + "No}")
    stops = ("</analyze>",)
    remembers = True

    def ask(self, problem: Problem, steps: Prefix, replies: Sequence[str]) -> Messages:
        """The chat so far; the problem stands before the first step."""
        task = "Your task is to review and critique the paragraphs in solution "
        if self.settings.thoughts:
            task += "step by step."
        else:
            task += (
                "directly. Output your judgement in the format of `\\boxed{Yes}` if the paragraph "
                "is correct, or `\\boxed{No}` if the paragraph is incorrect."
            )
        chat = [{"role": "system", "content": f"You are a math teacher. {task}"}]
        texts = [each.strip("\n") for each in steps] or [""]
        texts[0] = f"{problem.prompt.rstrip()}\n{texts[0]}"
        for number, text in enumerate(texts):
            chat.append({"role": "user", "content": text})
            if number < len(replies):
                reply = f"{replies[number]}$\n</output>"
                chat.append({"role": "assistant", "content": reply})
        return chat

    def begin(self, number: int) -> str:
        """The published beginning of an analysis."""
        return f"<analyze>\nLet's analyze the Paragraph {number} step by step: "

    def close(self, thought: str, opened: str) -> str:
        """The closed analysis; nothing where the model did not think."""
        return end_line(thought) + "</analyze>\n" if self.settings.thoughts else ""


FORMS: dict[str, type[Form]] = {"judge": Judge, "thinkprm": ThinkPRM, "genprm": GenPRM}


def show(problem: Problem, steps: Prefix) -> str:
    """The steps as a question shows them: numbered, but code as it is."""
    texts = [step.strip("\n").rstrip() for step in steps]
    if problem.domain != "code":
        numbered = enumerate(map(step_text.drop_number, texts), 1)
        texts = [f"Step {number}: {text}" for number, text in numbered]
    return "\n".join(texts)


def end_line(text: str) -> str:
    """The text with one line end after it; an empty text stays empty."""
    return text.rstrip() + "\n" if text.strip() else ""


def count_shared(first: Sequence[Any], second: Sequence[Any]) -> int:
    """How many items, from the first on, two sequences have in common."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(first), len(second)))


def find_words(
    name: str, tokenizer: PreTrainedTokenizerBase, verdicts: tuple[str, str]
) -> tuple[list[int], tuple[int, int]]:
    """The tokens that both verdicts begin with, and the first that differs in the good and the bad.

    Raises UserError if the tokenizer of the verifier `name` cannot tell them apart.
    """
    good, bad = (step_text.tokens_after_line_end(tokenizer, text) for text in verdicts)
    shared = count_shared(good, bad)
    words = [tokens[shared] for tokens in (good, bad) if len(tokens) > shared]
    if len(words) < 2 or tokenizer.unk_token_id in words:
        raise UserError(
            f"rewards.verifiers: {name}: the model's tokenizer cannot tell the verdicts "
            f"{verdicts[0]!r} and {verdicts[1]!r} apart; choose other words for `verdicts`, and "
            "ask for them in `prompt`"
        )
    return good[:shared], (words[0], words[1])
