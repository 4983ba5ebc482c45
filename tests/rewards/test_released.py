"""Released reward models: tiny models of the published architectures, scored as their authors score
them.
"""

import json

import numpy as np
import pytest
import torch
from pipeline import copy_project, snakemake
from tiny_prms import (
    ASKED,
    BYTES,
    LLAMA_CHAT,
    PROMPT,
    QWEN_CHAT,
    SHAPE,
    STEPS,
    VOCABULARY,
    ids,
    letters,
    published,
    qwen_tokenizer,
    released,
    word_tokenizer,
)
from transformers import (
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    LlamaConfig,
    LlamaForTokenClassification,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
)
from transformers.models.llama import LlamaForCausalLM

from prmscale.analysis import controls
from prmscale.analysis.models import find_headline, find_ladder, find_twins
from prmscale.engines.backends.released_scorer import QWEN_SYSTEM, ReleasedScorer
from prmscale.engines.facts import FACTS
from prmscale.engines.models import Device, load_scorer
from prmscale.errors import UserError
from prmscale.files import write_json
from prmscale.results import reward_models
from prmscale.rewards.released import describe


def word_odds(logits):
    """P(+) against P(-), of logits over all words."""
    return logits[..., [VOCABULARY["+"], VOCABULARY["-"]]].softmax(-1)[..., 0]


def math_shepherd(folder):
    word_tokenizer(folder)
    torch.manual_seed(0)
    MistralForCausalLM(MistralConfig(**SHAPE)).save_pretrained(folder)
    text = ids(
        f"<s> {PROMPT} Step 1: {STEPS[0]} ки \n Step 2: {STEPS[1]} ки \n Step 3: {STEPS[2]} ки"
    )
    read = word_odds(AutoModelForCausalLM.from_pretrained(folder)(torch.tensor([text])).logits[0])
    return read[[i for i, token in enumerate(text) if token == VOCABULARY["ки"]]], len(text)


def rlhflow(folder):
    word_tokenizer(folder, LLAMA_CHAT)
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(**SHAPE)).save_pretrained(folder)
    model, chat, found = AutoModelForCausalLM.from_pretrained(folder), "<s>", []
    for said in (f"{PROMPT} {STEPS[0]}", *STEPS[1:]):
        chat += f" <h> user </h> \n \n {said} </s> <h> assistant </h> \n \n + </s>"
        found.append(
            word_odds(model(torch.tensor([ids(chat)])).logits[0, -3])
        )  # as its authors read it
    return torch.stack(found), len(ids(chat))


def skywork(folder):
    qwen_tokenizer(folder)
    torch.manual_seed(1)
    head = {"v_head.summary.weight": torch.randn(1, 16), "v_head.summary.bias": torch.randn(1)}
    decoder = published(folder, Qwen2Config(**SHAPE), head)
    text = letters(f"<s>{PROMPT}\n{STEPS[0]}\n{STEPS[1]}\n{STEPS[2]}\n")
    hidden = decoder(torch.tensor([text])).last_hidden_state[0]
    value = hidden @ head["v_head.summary.weight"][0] + head["v_head.summary.bias"]
    return value.sigmoid()[[i for i, t in enumerate(text) if t == BYTES["Ċ"]][1:]], len(text)


def qwen(folder):
    qwen_tokenizer(folder, QWEN_CHAT)
    torch.manual_seed(1)
    shapes = {
        "score.0.weight": (16, 16),
        "score.0.bias": (16,),
        "score.2.weight": (2, 16),
        "score.2.bias": (2,),
    }
    head = {name: torch.randn(shape) / 2 for name, shape in shapes.items()}
    decoder = published(folder, Qwen2Config(**SHAPE), head)
    asked = f"<|im_start|>system\n{QWEN_SYSTEM}<|im_end|>\n<|im_start|>user\n{PROMPT}<|im_end|>\n"
    answer = "<extra_0>".join(STEPS) + "<extra_0>"
    text = letters(f"{asked}<|im_start|>assistant\n{answer}<|im_end|>\n")
    hidden = decoder(torch.tensor([text])).last_hidden_state[0]
    inner = (hidden @ head["score.0.weight"].T + head["score.0.bias"]).clamp(min=0)
    classes = (inner @ head["score.2.weight"].T + head["score.2.bias"]).softmax(-1)
    return classes[[i for i, token in enumerate(text) if token == BYTES["<extra_0>"]], 1], len(text)


def trl(folder, labels=2, separator="\n"):
    word_tokenizer(folder)
    torch.manual_seed(0)
    LlamaForTokenClassification(LlamaConfig(**SHAPE, num_labels=labels)).save_pretrained(folder)
    closed = [ids(f"{step} {separator}") for step in STEPS]
    text = [*ids(f"<s> {PROMPT}"), *(token for step in closed for token in step)]
    ends = len(ids(f"<s> {PROMPT}")) - 1 + np.cumsum([len(step) for step in closed])
    logits = AutoModelForTokenClassification.from_pretrained(folder)(torch.tensor([text])).logits[0]
    return logits.softmax(-1)[ends, -1], len(text)


FORMATS = {f.__name__: f for f in (math_shepherd, rlhflow, skywork, qwen, trl)}


@pytest.mark.parametrize("name", FORMATS)
@torch.inference_mode()
def test_scores_are_those_of_the_published_code(name, tmp_path):
    wanted, length = FORMATS[name](tmp_path)
    scorer = ReleasedScorer(released(tmp_path, name), "cpu")
    (found,) = scorer.score([(ASKED, STEPS)])
    np.testing.assert_allclose(found.scores, wanted.numpy(), atol=1e-5)
    assert np.ptp(found.scores) > 0.01 and length - 2 <= found.ends[-1] <= length
    assert (
        list(found.ends) == sorted(found.ends)
        and found.ends[0] > 0
        and len(found.ends) == len(STEPS) + 1
    )
    # in any company, and for every prefix of the solution
    scorer.forget()
    several = scorer.score([(ASKED, STEPS[:n]) for n in (1, 3, 2)])
    for n, each in zip((1, 3, 2), several, strict=True):
        np.testing.assert_allclose(each.scores, found.scores[:n], atol=1e-5)
    assert scorer.shape.layers == 2 and scorer.seconds_per_token > 0


def test_steps_are_read_as_the_authors_write_them(tmp_path):
    math_shepherd(tmp_path)
    scorer = ReleasedScorer(released(tmp_path, "math_shepherd"), "cpu")
    numbered = [f"Step {i}: {step}" for i, step in enumerate(STEPS, 1)]
    paragraphs = [f"{step}\n" for step in STEPS]  # with the blank line below each
    assert (
        scorer.encode(ASKED, numbered)
        == scorer.encode(ASKED, STEPS)
        == scorer.encode(ASKED, paragraphs)
    )


@torch.inference_mode()
def test_a_trl_model_with_another_separator(tmp_path):
    wanted, _ = trl(tmp_path, separator="\n \n")
    (found,) = ReleasedScorer(released(tmp_path, "trl", separator="\n\n"), "cpu").score(
        [(ASKED, STEPS)]
    )
    np.testing.assert_allclose(found.scores, wanted.numpy(), atol=1e-5)


@pytest.mark.parametrize(("name", "mark"), [("math_shepherd", "ки"), ("qwen", "<extra_0>")])
def test_a_step_that_holds_the_mark_is_an_error(name, mark, tmp_path):
    FORMATS[name](tmp_path)
    scorer = ReleasedScorer(released(tmp_path, name), "cpu")
    with pytest.raises(UserError, match=r"theirs.*toy/test/00000: 2 steps but 3 places"):
        scorer.score([(ASKED, ("two", f"is {mark} 2"))])


def test_a_model_of_another_format_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"format skywork.*no weights v_head.summary.bias"):
        qwen(tmp_path)
        ReleasedScorer(released(tmp_path, "skywork"), "cpu")
    with pytest.raises(UserError, match="3 classes and not one or two"):
        trl(tmp_path, labels=3)
        ReleasedScorer(released(tmp_path, "trl"), "cpu")
    with pytest.raises(
        UserError, match=r"theirs.*2 steps but 0 places"
    ):  # a template that drops the +
        rlhflow(tmp_path)
        word_tokenizer(
            tmp_path, "{% for m in messages if m.role == 'user' %}{{ m.content }} {% endfor %}"
        )
        ReleasedScorer(released(tmp_path, "rlhflow"), "cpu").score([(ASKED, ("two", "is"))])


def test_a_folder_of_facts_stands_for_the_model(tmp_path):
    wanted, _ = skywork(tmp_path)
    theirs = released(tmp_path, "skywork", role="math")
    facts = json.loads(json.dumps(describe(theirs).to_json()))
    weights = sum(p.numel() for p in ReleasedScorer(theirs, "cpu").model.parameters())
    assert 0.8 * weights < facts["base_parameters"] < 1.3 * weights and facts["role"] == "math"
    write_json(facts, tmp_path / "facts" / FACTS)
    (found,) = load_scorer(tmp_path / "facts", Device()).score([(ASKED, STEPS)])
    np.testing.assert_allclose(found.scores, wanted.detach().numpy(), atol=1e-5)


def test_it_stands_beside_the_ladder_and_not_in_it(tmp_path):
    trl(tmp_path)
    theirs = describe(released(tmp_path, "trl", role="math")).to_json()
    ours = {k: v for k, v in theirs.items() if k != "released"} | {
        "labels": "oracle",
        "head": "scalar",
        "role": "code",
    }
    facts = [
        theirs,
        {**ours, "reward_model": "big", "base": "b"},
        {**ours, "reward_model": "small", "base": "s"},
    ]
    facts[1]["base_parameters"], facts[2]["base_parameters"] = 10, 5  # theirs is larger than both
    for number, each in enumerate(facts):
        write_json(each, tmp_path / str(number) / FACTS)
    table = reward_models([tmp_path / str(number) for number in range(3)])
    assert list(find_ladder(table)["reward_model"]) == ["small", "big"]
    assert controls.find_prms(table)["theirs (released)"] == ["theirs"]
    assert find_twins(table) == {"math": ["theirs"], "code": ["big", "small"]}
    assert list(find_headline(table[:1])["reward_model"]) == ["theirs"]  # where nothing is trained


def test_it_takes_part_in_a_study_without_being_trained(tmp_path):
    folder = copy_project(tmp_path)
    theirs = {"name": "theirs", "model": "org/prm", "format": "qwen"}
    (folder / "mine.json").write_text(
        json.dumps(
            {
                "study": "mine",
                "rewards": {"released": [theirs]},
                "search": {"tree": {"reward_models": ["theirs"]}},
            }
        )
    )
    plan = snakemake(
        folder, "-n", "--quiet", "all", "--configfile", "mine.json", "--", "controls", "fig4"
    )
    assert plan.returncode == 0, plan.stderr
    plan = snakemake(
        folder, "-n", "--configfile", "mine.json", "--", "results/mine/search/theirs.parquet"
    )
    assert "describe_released_model" in plan.stdout and "train_reward_model" not in plan.stdout
