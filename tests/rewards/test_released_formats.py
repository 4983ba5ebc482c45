"""More formats of released reward models, on tiny models and against scores computed by hand."""

import numpy as np
import pytest
import torch
from tiny_prms import (
    ASKED,
    BYTES,
    PROMPT,
    QWEN_CHAT,
    SHAPE,
    STEPS,
    letters,
    published,
    qwen_tokenizer,
    released,
    word_tokenizer,
)
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForTokenClassification,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from prmscale.cost.models import model_of
from prmscale.cost.parts import Workers
from prmscale.engines.backends.released_scorer import ReleasedScorer
from prmscale.engines.facts import FACTS
from prmscale.engines.flops import Shape
from prmscale.engines.models import released_models
from prmscale.errors import UserError
from prmscale.files import write_json
from prmscale.rewards.released import describe
from prmscale.study import ReleasedRewardModel, Study

VERSA_TAG = " \n\n\n\n"
ASKED_CHAT = f"<|im_start|>user\n{PROMPT}<|im_end|>\n<|im_start|>assistant\n"


def save(folder, kind, config, seed=0):
    """A model of this kind, saved and returned."""
    torch.manual_seed(seed)
    model = kind(config).eval()
    model.save_pretrained(folder)
    return model


def reasonflux(folder):
    qwen_tokenizer(folder, QWEN_CHAT)
    torch.manual_seed(1)
    shapes = {"score.0.weight": (16, 16), "score.0.bias": (16,), "score.2.weight": (2, 16)}
    head = {name: torch.randn(shape) / 2 for name, shape in shapes.items()}
    head["score.2.bias"] = torch.randn(2)
    decoder = published(folder, Qwen2Config(**SHAPE), head)
    text = letters(ASKED_CHAT + "".join(f"{step}<extra_0>" for step in STEPS) + "<|im_end|>\n")
    hidden = decoder(torch.tensor([text])).last_hidden_state[0]
    inner = (hidden @ head["score.0.weight"].T + head["score.0.bias"]).clamp(min=0)
    classes = (inner @ head["score.2.weight"].T + head["score.2.bias"]).softmax(-1)
    return classes[[i for i, token in enumerate(text) if token == BYTES["<extra_0>"]], 1], {}


def versaprm(folder):
    tag = qwen_tokenizer(folder, marks=[VERSA_TAG]).convert_tokens_to_ids(VERSA_TAG)
    model = save(folder, LlamaForCausalLM, LlamaConfig(**SHAPE))
    text = letters(f"{PROMPT} \n\n")
    for step in STEPS:
        text += [*letters(step), tag]
    odds = model(torch.tensor([text])).logits[0][:, [BYTES["-"], BYTES["+"]]].softmax(-1)[:, 1]
    return odds[[i for i, token in enumerate(text) if token == tag]], {}


def llemma(folder):
    qwen_tokenizer(folder / "tokenizer")
    model = save(folder, LlamaForCausalLM, LlamaConfig(**SHAPE))
    text = letters(f"# Question\n\n{PROMPT}\n\n# Solution\n\n" + "\n\n".join([*STEPS, ""]))
    end, places = BYTES["Ċ"], []
    for i in range(len(letters(f"# Question\n\n{PROMPT}\n\n# Solution\n\n")), len(text) - 1):
        places += [i] if text[i : i + 2] == [end, end] else []
    rewards = model(torch.tensor([text])).logits[0].mean(-1)
    return rewards[places].sigmoid(), {"tokenizer": str(folder / "tokenizer")}


def implicit(folder):
    qwen_tokenizer(folder, QWEN_CHAT)
    policy = save(folder, Qwen2ForCausalLM, Qwen2Config(**SHAPE), seed=0)
    reference = save(folder / "base", Qwen2ForCausalLM, Qwen2Config(**SHAPE), seed=1)
    text = torch.tensor([letters(ASKED_CHAT + "\n\n".join(STEPS) + "<|im_end|>\n")])
    logs = [m(text).logits[0, :-1].log_softmax(-1) for m in (policy, reference)]
    own, base = (each.gather(-1, text[0, 1:, None])[:, 0] for each in logs)
    start, ends = len(letters(ASKED_CHAT)), []
    for n in range(1, len(STEPS) + 1):
        ends.append(len(letters(ASKED_CHAT + "\n\n".join(STEPS[:n]))))
    ratios = own - base  # of tokens 1, 2, ...
    sums = [ratios[start - 1 : end - 1].sum() for end in ends]
    return (0.001 * torch.stack(sums)).sigmoid(), {"reference": str(folder / "base")}


def single(folder):
    """A classifier of tokens with one class, read as format trl."""
    qwen_tokenizer(folder)
    model = save(folder, LlamaForTokenClassification, LlamaConfig(**SHAPE, num_labels=1))
    closed = [letters(f"{step}\n") for step in STEPS]
    text = [BYTES["<s>"], *letters(PROMPT), *(token for step in closed for token in step)]
    ends = len(letters(PROMPT)) + np.cumsum([len(step) for step in closed])
    return model(torch.tensor([text])).logits[0, ends, 0].sigmoid(), {}


FORMATS = {f.__name__: f for f in (reasonflux, versaprm, llemma, implicit)} | {"trl": single}


def load(folder, name):
    """The scores wanted of a tiny model of a format, and its scorer."""
    with torch.inference_mode():
        wanted, settings = FORMATS[name](folder)
    return wanted.numpy(), ReleasedScorer(released(folder, name, **settings), "cpu")


@pytest.mark.parametrize("name", FORMATS)
def test_scores_are_those_computed_by_hand(name, tmp_path):
    wanted, scorer = load(tmp_path, name)
    (found,) = scorer.score([(ASKED, STEPS)])
    np.testing.assert_allclose(found.scores, wanted, atol=1e-5)
    assert np.ptp(found.scores) > (1e-4 if name == "implicit" else 0.01)
    assert list(found.ends) == sorted(set(found.ends)) and len(found.ends) == len(STEPS) + 1
    scorer.forget()  # in any company, and for every prefix of the solution
    several = scorer.score([(ASKED, STEPS[:n]) for n in (1, 3, 2)])
    for n, each in zip((1, 3, 2), several, strict=True):
        np.testing.assert_allclose(each.scores, found.scores[:n], atol=1e-5)


def test_blank_lines_and_marks_within_a_step_do_not_divide_it(tmp_path):
    _, scorer = load(tmp_path / "llemma", "llemma")
    divided = ("two is 2 .\n\nand so on", *STEPS[1:])
    assert scorer.encode(ASKED, divided) == scorer.encode(
        ASKED, ("two is 2 .\nand so on", *STEPS[1:])
    )
    _, scorer = load(tmp_path / "versa", "versaprm")
    assert len(scorer.encode(ASKED, ("two \n\n\n\nis", "4")).ends) == 2


def test_an_implicit_prm_costs_two_models(tmp_path):
    _, scorer = load(tmp_path, "implicit")
    alone = Shape.from_model(Qwen2ForCausalLM.from_pretrained(tmp_path))
    assert scorer.shape.forward_flops(10) == 2 * alone.forward_flops(10)
    theirs = released(tmp_path, "implicit", reference=str(tmp_path / "base"))
    write_json(describe(theirs).to_json(), tmp_path / "facts" / FACTS)
    assert released_models(tmp_path / "facts") == [
        (str(tmp_path), None),
        (str(tmp_path / "base"), None),
    ]
    study = make_study(theirs)
    (need,) = Workers(study).needs.search("theirs")
    assert need.weights == pytest.approx(2 * 4 * describe(theirs).base_parameters / 1e9)
    read = Workers(study).read("theirs", 3, 10)
    assert read.flops == 2 * 3 * model_of(study, "theirs").shape.forward_flops(10)


def make_study(prm):
    """A study with one released reward model."""
    config = {
        "datasets": [{"name": "a", "source": "arithmetic", "test": 1}],
        "labels": {"policy": "m"},
        "rewards": {"released": [prm.model_dump()]},
    }
    return Study.model_validate(config)


def test_what_a_format_lacks_is_said(tmp_path):
    with pytest.raises(ValueError, match="give that model as reference"):
        ReleasedRewardModel(name="x", model="org/prm", format="implicit")
    with pytest.raises(ValueError, match="reference is for format implicit; qwen has none"):
        ReleasedRewardModel(name="x", model="org/prm", format="qwen", reference="org/base")
    _, scorer = load(tmp_path / "a", "implicit")
    small = Qwen2Config(**{**SHAPE, "vocab_size": 8})
    save(tmp_path / "a" / "base", Qwen2ForCausalLM, small)
    with pytest.raises(UserError, match=r"its reference .*base has too small a vocabulary"):
        ReleasedScorer(scorer.released, "cpu")
    load(tmp_path / "b", "versaprm")
    word_tokenizer(tmp_path / "b")
    scorer = ReleasedScorer(released(tmp_path / "b", "versaprm"), "cpu")
    with pytest.raises(UserError, match="no token of four line ends"):
        scorer.score([(ASKED, STEPS)])
