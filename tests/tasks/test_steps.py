"""What a step is: the same for a text at once, for one that is cut, and for one that is written
step by step.
"""

import csv
from pathlib import Path

import chats
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import problem
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, PreTrainedTokenizerFast

from prmscale.engines.backends.loading import Weights
from prmscale.engines.flops import Shape
from prmscale.engines.policy import Draw, SamplingPolicy
from prmscale.engines.requests import Extension
from prmscale.study import Prompting, Sampling
from prmscale.tasks import steps, thoughts

RULES = ("line", "blank_line", "marked", "statement", "block", "function", "words_20")
LOSSLESS = RULES[2:]


def cases(name):
    with open(Path(__file__).parents[1] / "cases" / f"{name}.csv", newline="") as file:
        return [
            {key: value.replace("\\n", "\n") for key, value in row.items()}
            for row in csv.DictReader(file)
        ]


TEXTS = cases("steps")
PIECES = [
    "x = 1\n",
    "def f(x):\n",
    "    if x:\n",
    "        y = 2\n",
    "    return x\n",
    "\n",
    "```python\n",
    "```\n",
    "Step 1: go\n",
    "## Step 2\n",
    "Prose.\n",
    "    '''a\n",
    "b'''\n",
    "else:\n",
    "@cache\n",
    "# note\n",
    "(\n",
    ")\n",
]


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: f"{case['rule']}: {case['kind']}")
def test_the_steps_of_a_text(case):
    assert steps.split(case["text"], case["rule"]) == case["steps"].split("|")


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.sampled_from(RULES))
def test_steps_do_not_depend_on_what_follows(text, rule):
    whole = steps.split(text, rule)
    for end in (i + 1 for i, letter in enumerate(text) if letter == "\n"):
        *first, _ = steps.split(text[:end], rule) or [""]
        assert first == whole[: len(first)]
    written, rest = [], text
    while (end := steps.end_of_first(rest, rule)) is not None:
        written += steps.split(rest[:end], rule)
        rest = rest[end:]
    assert written + steps.split(rest, rule) == whole
    if rule in LOSSLESS and whole:
        assert (
            steps.join(whole) == text.rstrip("\n") + "\n" * (len(text) - len(text.rstrip("\n")))
            or not text.strip()
        )


@pytest.mark.parametrize("rule", RULES)
def test_no_text_takes_long(rule):
    for line in (
        "prose\n",
        "x = (\n",
        "x = 1\n",
        "    y\n",
        "\n",
        "```\n",
        "Step 1: a\n",
        "def f(): pass\n",
        "if x:\n",
    ):
        steps.split(line * 20_000, rule)


class Scribe(SamplingPolicy):
    """Writes a text that is known beforehand, a token at a time, as an engine would."""

    def __init__(self, folder, said, template="qwen3", **prompting):
        chats.tokenizer(template, "[THINK]", "[/THINK]").save_pretrained(folder)
        GenerationConfig(eos_token_id=257).save_pretrained(folder)
        asked = Prompting(**{"style": "chat", **prompting})
        super().__init__("scribe", Weights(folder), asked, Sampling(max_tokens=1000), seed=0)
        self.said, self.shape, self.asked, self.at = said, Shape(1, 0, 0), [], 0

    def next_logprobs(self, texts, words, progress=None):
        raise NotImplementedError("it only writes")

    def _draws(self, extensions, ids, progress):
        for owner, extension in self._find_room(extensions, ids):
            prompt = ids[owner]
            self.asked.append(self.tokenizer.decode(prompt))
            self.at = self.at if extension.prefix else 0
            tokens = iter(
                [*self.tokenizer(self.said, add_special_tokens=False)["input_ids"], 257][self.at :]
            )
            draw = Draw(
                owner, 0, self._limit(extension.problem, len(prompt)), self._open_tag(extension)
            )
            while draw.finish_reason is None:
                draw.tokens.append(next(tokens))
                draw.logprobs.append(-1.0)
                draw.certainties.append(1.0)
                self._end(draw, extension, draw.tokens[-1] == 257)
            self.at += draw.kept or len(draw.tokens)
            yield draw

    def write(self, until, prefix=(), domain="math"):
        """One continuation of a prefix."""
        return self.extend([Extension(problem(domain=domain), tuple(prefix), 1, 0, until)])[0][0]


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: f"{case['rule']}: {case['kind']}")
def test_step_by_step_is_all_at_once(case, tmp_path):
    scribe = Scribe(tmp_path, case["text"], steps={"code": case["rule"]})
    whole = scribe.write("end", domain="code")
    assert whole.steps == tuple(case["steps"].split("|")) and whole.finish_reason == "stop"
    found = scribe.write("step", domain="code")
    while found.finish_reason is None:
        found = found.join(scribe.write("step", found.steps, domain="code"))
        assert len(found.steps) <= len(whole.steps)
    # every token belongs to one step, whatever was sampled to see where it ends
    assert (found.steps, found.logprob) == (
        whole.steps,
        whole.logprob,
    ) and found.tokens >= whole.tokens


THOUGHT = "\nFirst I\n\nguess \\boxed{3}.\n"


@pytest.mark.parametrize(
    ("template", "before"),
    [
        ("qwen3", f"<think>{THOUGHT}</think>\n\n"),
        ("qwen3", f"[THINK]{THOUGHT}[/THINK]\n\n"),
        ("deepseek_r1", f"{THOUGHT}</think>\n\n"),
    ],
)
def test_a_thought_is_no_step_unless_it_is_to_be(template, before, tmp_path):
    reply = "Add.\n\nIt is 4."
    scribe = Scribe(tmp_path, before + reply, template)
    whole, first = scribe.write("end"), scribe.write("step")
    assert (
        whole.steps == ("Add.\n", "It is 4.")
        and first.steps == ("Add.\n",)
        and first.finish_reason is None
    )
    assert "guess" in whole.thought and whole.thought == first.thought
    assert (
        whole.tokens
        == len(scribe.tokenizer(before + reply, add_special_tokens=False).input_ids) + 1
    )
    shown = Scribe(tmp_path, before + reply, template, thoughts="steps").write("end")
    assert "guess" in shown.steps[1] and not shown.thought and shown.steps[-2:] == whole.steps


def test_a_search_goes_on_from_the_reply(tmp_path):
    scribe = Scribe(tmp_path, "Add.\n\nIt is 4.", "deepseek_r1")
    scribe.write("end", ["Add.\n"])
    assert scribe.asked[-1].endswith("<think>\n\n</think>\n\nAdd.\n\n")


@pytest.mark.parametrize("way", ["hidden", "steps"])
@pytest.mark.parametrize("template", ["qwen3", "deepseek_r1"])
def test_who_never_leaves_a_thought_gives_no_reply(template, way, tmp_path):
    said = "I think\n\nit is 4." if template == "deepseek_r1" else "<think>I think\n\nit is 4."
    found = Scribe(tmp_path, said, template, thoughts=way).write("end")
    assert found.is_cut if way == "steps" else not found.steps


@pytest.mark.parametrize("case", cases("thoughts"), ids=lambda case: case["kind"])
def test_thoughts_are_taken_off(case):
    assert thoughts.reply(case["text"]) == case["reply"]
    assert thoughts.is_open(case["text"]) == (case["open"] == "True")


def test_nothing_is_drawn_where_no_room_is_left(tmp_path):
    scribe = Scribe(tmp_path, "Add.\n\nIt is 4.")
    scribe.sampling = scribe.sampling.model_copy(update={"max_tokens": 4})
    whole = scribe.write("end")
    assert whole.is_cut and whole.tokens == 4
    more = scribe.write("end", ["Add.\n"])  # six tokens
    assert more.is_cut and more.tokens == 0 and not more.steps


@pytest.mark.parametrize("scheme", ["first", "always", "never"])
def test_a_step_keeps_its_indentation_whatever_the_tokenizer(scheme):
    letters = {letter: i for i, letter in enumerate("▁\nxy=1")}
    raw = Tokenizer(models.BPE(letters, []))
    raw.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    raw.decoder = decoders.Metaspace(prepend_scheme=scheme)
    made = PreTrainedTokenizerFast(tokenizer_object=raw)
    ids = steps.tokens_after_line_end(made, "    y = 1\n")
    assert steps.decode(made, ids) == "    y = 1\n"
    assert made("x\n    y = 1\n")["input_ids"][-len(ids) :] == ids


def test_a_scorer_reads_every_step_to_one_line_end():
    made = chats.tokenizer("llama3")
    plain = steps.encode_solution(made, "Two?", ("Add.", "It is 4."))
    assert steps.encode_solution(made, "Two?", ("Add.\n", "\nIt is 4.  ")) == plain
    assert made.decode(plain.ids) == "<s>Two?\nAdd.\nIt is 4.\n" and np.diff(
        plain.ends
    ).tolist() == [9]
