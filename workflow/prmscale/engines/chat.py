"""Prompts of a policy: the plain problem, or the model's chat template applied to it."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedTokenizerBase

from prmscale.errors import UserError
from prmscale.study import Prompting
from prmscale.tasks import steps, thoughts
from prmscale.tasks.base import Problem


class Chat:
    """The prompts of one policy.

    `opened` is the tag of a thought that the template opens for the model, or empty; `closing_ids`
    are the tokens that close such a thought while it is still empty.
    """

    def __init__(self, name: str, tokenizer: PreTrainedTokenizerBase, prompting: Prompting) -> None:
        self.name, self.tokenizer, self.prompting = name, tokenizer, prompting
        self.system = prompting.system is not None and self._has_system_role()
        begun = ""
        if prompting.style != "plain":
            begun = self._render([{"role": "user", "content": "?"}])
        self.opened = thoughts.find_open_tag(begun)
        self.closing_ids: list[int] = []
        if self.opened:
            closing = f"\n{thoughts.closing_tag(self.opened)}\n\n"
            self.closing_ids = steps.tokens_after_line_end(tokenizer, closing)

    def ids(self, problem: Problem) -> list[int]:
        """The token ids of a problem's prompt."""
        if self.prompting.style == "plain":
            return steps.encode(self.tokenizer, self._render_plain(problem), ())[0]
        return self._apply(self.messages(problem), tokenize=True)

    def begin_reply(self, messages: list[dict[str, str]], reply: str) -> list[int]:
        """The token ids of a chat (in the plain style: of its texts) whose reply begins so."""
        if self.prompting.style == "plain":
            text = _join(*(each["content"] for each in messages)).rstrip() + steps.STEP_END
            return list(self.tokenizer(text + reply)["input_ids"])
        # as one text, because a token may span the end of the template
        return list(self.tokenizer.encode(self._render(messages) + reply, add_special_tokens=False))

    def messages(self, problem: Problem) -> list[dict[str, str]]:
        """The messages of the chat that asks for a solution."""
        instruction = self.prompting.instruction(problem.domain)
        turns = []
        for example in self.prompting.examples.get(problem.domain, []):
            turns.append({"role": "user", "content": _join(instruction, example.problem)})
            turns.append({"role": "assistant", "content": example.solution})
        turns.append({"role": "user", "content": _join(instruction, problem.prompt)})
        if self.prompting.system is None:
            return turns
        if self.system:
            return [{"role": "system", "content": self.prompting.system}, *turns]
        first = {"role": "user", "content": _join(self.prompting.system, turns[0]["content"])}
        return [first, *turns[1:]]

    def _render_plain(self, problem: Problem) -> str:
        examples = self.prompting.examples.get(problem.domain, [])
        texts = [f"{each.problem}\n{each.solution.rstrip()}" for each in examples]
        return _join(*texts, problem.prompt)

    def _has_system_role(self) -> bool:
        """Whether the template writes a system prompt; some refuse it, others silently drop it."""
        mark = "a system prompt"
        chat = [{"role": "system", "content": mark}, {"role": "user", "content": "?"}]
        try:
            return mark in self._render(chat)
        except UserError:
            return False

    def _render(self, chat: list[dict[str, str]]) -> str:
        return str(self._apply(chat, tokenize=False))

    def _apply(self, chat: list[dict[str, str]], tokenize: bool) -> Any:
        given: dict[str, Any] = {**self.prompting.chat_template}
        try:
            return self.tokenizer.apply_chat_template(
                chat, tokenize=tokenize, add_generation_prompt=True, return_dict=False, **given
            )
        except Exception as error:  # a template may raise anything
            raise UserError(
                f"policies: {self.name}: its chat template cannot be used: "
                f"{error or type(error).__name__}. Check prompting.chat_template, or ask by "
                "prompting.style: plain"
            ) from error


def _join(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
