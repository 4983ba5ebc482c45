"""Prompts: token for token what the model's chat template says, whatever the family."""

import dataclasses

import chats
import pytest
from scripted import problem

from prmscale.engines.chat import Chat
from prmscale.errors import UserError
from prmscale.study import Example, Prompting

ASKED = dataclasses.replace(problem(), prompt="What is 2 + 2?\n")
ENDS = {
    "llama3": "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "mistral": "What is 2 + 2?\n [/INST]",
    "qwen25": "<|im_start|>assistant\n",
    "qwen3": "<|im_start|>assistant\n",
    "gemma": "<start_of_turn>model\n",
    "deepseek_r1": "<|Assistant|><think>\n",
    "silent": "assistant: ",
}


def chat(family: str, **prompting) -> Chat:
    return Chat("theirs", chats.tokenizer(family), Prompting(**{"style": "chat", **prompting}))


@pytest.mark.parametrize("family", ENDS)
def test_a_prompt_is_the_templates_own_tokens(family):
    asked = chat(family)
    said = [{"role": "user", "content": f"{asked.prompting.instruction('math')}\n\n{ASKED.prompt}"}]
    expected = asked.tokenizer.apply_chat_template(
        said, tokenize=True, add_generation_prompt=True, return_dict=False
    )
    assert asked.ids(ASKED) == expected
    text = asked.tokenizer.decode(expected)
    assert text.endswith(ENDS[family]) and text.count("<s>") == (
        "bos_token" in chats.TEMPLATES[family]
    )


@pytest.mark.parametrize("family", ENDS)
def test_a_system_prompt_is_always_said_once(family):
    asked = chat(family, system="Be brief.", instructions={"math": ""})
    roles = [turn["role"] for turn in asked.messages(ASKED)]
    assert roles == (["user"] if family in ("gemma", "mistral", "silent") else ["system", "user"])
    assert asked.tokenizer.decode(asked.ids(ASKED)).count("Be brief.") == 1


@pytest.mark.parametrize("family", ENDS)
def test_examples_are_turns_of_the_chat(family):
    shown = [Example(problem="What is 1 + 1?", solution="It is 2.")]
    text = chat(family, examples={"math": shown}, system="Be brief.")
    said = text.tokenizer.decode(text.ids(ASKED))
    places = [
        said.index(part) for part in ("Be brief.", "What is 1 + 1?", "It is 2.", "What is 2 + 2?")
    ]
    assert places == sorted(places)
    assert "1 + 1" not in text.tokenizer.decode(text.ids(dataclasses.replace(ASKED, domain="code")))


def test_arguments_reach_the_template():
    asked = chat("qwen3", chat_template={"enable_thinking": False})
    assert (
        asked.tokenizer.decode(asked.ids(ASKED)).endswith("<think>\n\n</think>\n\n")
        and not asked.opened
    )


def test_the_template_may_open_a_thought():
    asked = chat("deepseek_r1")
    assert (
        asked.opened == "<think>" and asked.tokenizer.decode(asked.closing_ids) == "\n</think>\n\n"
    )


def test_a_bare_problem_ends_its_line():
    shown = [Example(problem="Q: 1 + 1?", solution="A: 2\n")]
    asked = chat("llama3", style="plain", examples={"math": shown})
    assert asked.tokenizer.decode(asked.ids(ASKED)) == "<s>Q: 1 + 1?\nA: 2\n\nWhat is 2 + 2?\n"


def test_a_template_that_cannot_be_used_is_named():
    made = chats.tokenizer("qwen25")
    made.chat_template = None
    with pytest.raises(
        UserError, match=r"policies: theirs: its chat template .*prompting.style: plain"
    ):
        Chat("theirs", made, Prompting(style="chat")).ids(ASKED)
