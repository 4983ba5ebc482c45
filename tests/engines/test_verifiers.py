"""Generative verifiers: verdicts by hand on a tiny model, odd replies, cost, and where they must
agree with simpler rules.
"""

from dataclasses import replace

import letters
import numpy as np
import pytest
import torch
from letters import turn
from scripted import CoinPolicy, grade, problem

from prmscale import seeds
from prmscale.engines.chat import Chat
from prmscale.engines.flops import Shape
from prmscale.engines.ledger import Ledger
from prmscale.engines.models import Device, load_policy
from prmscale.engines.requests import Asked, Extension, Written
from prmscale.engines.verdicts import PROMPT, VERDICTS, find_words
from prmscale.engines.verifier import GenerativeVerifier
from prmscale.errors import UserError
from prmscale.search.evaluate import Engines, evaluate
from prmscale.study import Prompting, Sampling, Verifier

ASKED = replace(problem(0), prompt="2 + 3 + 4 = ?")
STEPS = ("2 + 3 = 5", "Step 2: 5 + 4 = 8")
SHOWN = ["Step 1: 2 + 3 = 5", "Step 1: 2 + 3 = 5\nStep 2: 5 + 4 = 8"]
TEACHER = "You are a math teacher. Your task is to review and critique the paragraphs in solution "
CHAT = Prompting(style="chat", thoughts="steps")
FLOPS = Shape(linear_weights=1, layers=1, width=1)
SO = Written("so", 2, False)
KEYS = ["strategy", "budget", "problem_id"]


def settings(**changes):
    return Verifier(**{"name": "judge", "base": "m", **changes})


def critic(steps):
    return (
        f"You are given a math problem and a proposed step-by-step solution:\n\n[Math Problem]\n\n"
        f"{ASKED.prompt}\n\n[Solution]\n\n{steps}\n\nReview and critique each step in the proposed "
        "solution to determine whether each step is correct. If the solution is incomplete, only "
        "verify the provided steps."
    )


def questions(form, thinking):
    """What is read up to the thought about each step, as the authors write it."""
    asked = {
        "judge": lambda s: PROMPT.replace("{problem}", ASKED.prompt).replace("{steps}", s),
        "thinkprm": critic,
    }[form]
    begin = "\nLet's verify step by step:" if form == "thinkprm" and thinking else ""
    return [turn("user", asked(s)) + "<|im_start|>assistant\n" + begin for s in SHOWN]


def odds(model, text):
    """P(Y) against P(N) after this text."""
    logits = model(torch.tensor([letters.ids(text)])).logits[0, -1]
    return float(logits[letters.ids("YN")].softmax(-1)[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("letters")
    return path, letters.saved(path)


def verifier(path, **changes):
    asked = settings(**{"thoughts": 0, "max_tokens": 12, **changes})
    sampling = Sampling(max_tokens=asked.max_tokens, temperature=asked.temperature, batch=5)
    return GenerativeVerifier(asked, load_policy("judge", path, CHAT, sampling, Device(), seed=3))


@torch.inference_mode()
def test_without_thoughts_the_verdict_is_read_after_the_question(folder):
    path, model = folder
    for form, opening in (("judge", "Verdict: "), ("thinkprm", "Is the solution correct? ")):
        (found,) = verifier(path, format=form).score([(ASKED, STEPS)])
        wanted = [odds(model, question + opening) for question in questions(form, False)]
        np.testing.assert_allclose(found.scores, wanted, atol=1e-5)
        assert np.ptp(wanted) > 0.001


@torch.inference_mode()
def test_the_score_is_the_mean_over_thoughts(folder):
    path, model = folder
    scorer = verifier(path, format="thinkprm", thoughts=3)
    (found,) = scorer.score([(ASKED, STEPS)])
    for number, question in enumerate(questions("thinkprm", True), 1):
        name = f"{ASKED.problem_id}/verdict/{seeds.seed_of(*STEPS[:number])}"
        (thoughts,) = scorer.engine.write([Asked(name, letters.ids(question))], 3)
        assert len({thought.text for thought in thoughts}) == 3
        read = []
        for thought in thoughts:
            before = thought.text.rstrip() + "\n" if thought.text.strip() else ""
            read.append(odds(model, f"{question}{before}Is the solution correct? "))
        assert found.scores[number - 1] == pytest.approx(np.mean(read), abs=1e-5)


@torch.inference_mode()
def test_genprm_shows_its_earlier_judgements(folder):
    path, model = folder
    (found,) = verifier(path, format="genprm").score([(ASKED, STEPS)])
    box = "<output>\n**Judgement**: $\\boxed{"
    text = turn(
        "system",
        TEACHER + "directly. Output your judgement in the format of `\\boxed{Yes}` if the "
        "paragraph is correct, or `\\boxed{No}` if the paragraph is incorrect.",
    )
    wanted = []
    for said in (f"{ASKED.prompt}\n{STEPS[0]}", STEPS[1]):
        text += turn("user", said) + "<|im_start|>assistant\n"
        wanted.append(odds(model, text + box))
        verdict = "Yes" if wanted[-1] >= 0.5 else "No"
        text += f"{box}{verdict}}}$\n</output><|im_end|>\n"
    np.testing.assert_allclose(found.scores, wanted, atol=1e-5)


def test_scores_depend_neither_on_company_nor_on_what_follows(folder):
    path, _ = folder
    for form in ("judge", "genprm"):
        scorer = verifier(path, format=form, thoughts=2)
        (alone,) = scorer.score([(ASKED, STEPS)])
        scorer.forget()
        others = [(replace(ASKED, problem_id=f"other/{n}"), STEPS[:1]) for n in range(4)]
        *_, whole, part = scorer.score([*others, (ASKED, STEPS), (ASKED, STEPS[:1])])
        np.testing.assert_allclose(whole.scores, alone.scores, atol=1e-6)
        np.testing.assert_allclose(part.scores, alone.scores[:1], atol=1e-6)
        assert whole.spent == alone.spent and part.spent == alone.spent[:2]


def test_a_thought_ends_at_a_stop(folder):
    path, _ = folder
    policy, asked = verifier(path, max_tokens=60).engine, letters.ids("2 +")
    free = policy.write([Asked(str(n), asked) for n in range(20)], 1)
    never = policy.write([Asked(str(n), asked, ("<x>",)) for n in range(20)], 1)
    assert free == never  # a stop that is not written changes nothing
    number, ((whole,)) = next((n, each) for n, each in enumerate(free) if each[0].tokens > 20)
    at = whole.text.find(whole.text[5:8])
    ((found,),) = policy.write([Asked(str(number), asked, (whole.text[5:8],))], 1)
    assert (found.text, found.cut) == (whole.text[:at], False) and at + 3 <= found.tokens < 20


class Scripted:
    """A writer of one thought, whose verdict `says` reads off the text before it."""

    shape = FLOPS

    def __init__(self, says, thought=SO, template=letters.CHAT):
        self.says, self.thought, self.read = says, thought, []
        self.tokenizer = letters.tokenizer(template)
        self.chat = Chat("scripted", self.tokenizer, CHAT)

    def write(self, texts, samples, progress=None):
        return [[self.thought] * samples for _ in texts]

    def next_logprobs(self, texts, words, progress=None):
        self.read += [self.tokenizer.decode(text) for text in texts]
        good = np.array([self.says(text) for text in self.read[-len(texts) :]])
        return np.log(np.stack([good, 1 - good], 1).clip(1e-9)) + np.log(0.9)

    def forget(self):
        pass


def score(engine, steps=STEPS, **changes):
    return GenerativeVerifier(settings(**changes), engine).score([(ASKED, steps)])[0].scores


def test_identical_thoughts_count_as_one():
    says = lambda text: 0.2 + 0.5 * ("Step 2" in text)  # noqa: E731
    one, many = (score(Scripted(says), thoughts=n) for n in (1, 5))
    np.testing.assert_allclose(one, [0.2, 0.7])
    np.testing.assert_allclose(many, one)


@pytest.mark.parametrize(
    ("form", "template", "thought", "read"),
    [
        # a reply gives its verdict, or not; a thought is open in the template, closed, or cut
        ("judge", "", Written("fine.\nVerdict: No", 18, False), "fine.\nVerdict: "),
        ("judge", "", Written("fine", 4, False), "fine\nVerdict: "),
        ("judge", "", Written("", 1, False), "assistant\nVerdict: "),
        ("judge", "<think>\n", Written("Verdict: ? hm", 13, True), "? hm\n</think>\n\nVerdict: "),
        ("judge", "<think>\n", Written("a</think>b", 10, False), "a</think>b\nVerdict: "),
        ("judge", "", Written("<think>a", 8, True), "<think>a\n</think>\n\nVerdict: "),
        ("thinkprm", "<think>\n", Written("a", 1, True), ":a\nIs the solution correct? "),
        ("genprm", "", Written("a", 1, True), "a\n</analyze>\n<output>\n**Judgement**: $\\boxed{"),
    ],
)
def test_a_verdict_is_read_after_every_kind_of_reply(form, template, thought, read):
    begun = letters.CHAT.replace("assistant\n{% endif", f"assistant\n{template}{{% endif")
    engine = Scripted(lambda text: 0.75, thought, begun)
    scorer = GenerativeVerifier(settings(format=form), engine)
    (found,) = scorer.score([(ASKED, STEPS[:1])])
    assert engine.read[0].endswith(read) and found.scores == pytest.approx([0.75])
    assert scorer.counts == {"verdicts": 1, "thoughts": 1, "cut": int(thought.cut), "undecided": 0}


def test_verdicts_that_the_model_would_not_give_are_counted():
    class Elsewhere(Scripted):
        def next_logprobs(self, texts, words, progress=None):
            return super().next_logprobs(texts, words) + np.log(0.1)

    scorer = GenerativeVerifier(settings(), Elsewhere(lambda text: 0.75))
    (found,) = scorer.score([(ASKED, STEPS)])
    assert found.scores == pytest.approx([0.75, 0.75]) and scorer.counts["undecided"] == 2


def test_what_a_verdict_costs():
    """Two thoughts of two tokens: the question is read once, each verdict adds what is left."""
    engine = Scripted(lambda text: 0.75)
    (found,) = GenerativeVerifier(settings(thoughts=2), engine).score([(ASKED, STEPS)])
    first, second = (len(letters.ids(text)) for text in questions("judge", True))
    empty = letters.ids(questions("judge", True)[0].replace(SHOWN[0], ""))
    common = len(empty) - len(letters.ids(questions("judge", True)[0].split(SHOWN[0])[1]))
    ending = len("\nVerdict: ")
    flops = FLOPS.forward_flops
    tokens, anew, cached = [], [], [flops(common)]
    shared = [common, common + len(SHOWN[0]) + 1]
    for asked, known in zip((first, second), shared, strict=True):
        tokens.append(asked + 2 * (2 + ending))
        anew.append(2 * (flops(asked) + flops(2, asked) + flops(asked + 2 + ending)))
        cached.append(flops(asked - known, known) + 2 * flops(2 + ending, asked))
    assert [part.tokens for part in found.spent] == [0, *tokens]
    assert [part.flops for part in found.spent] == pytest.approx([0, *anew])
    assert [part.flops_cached for part in found.spent] == pytest.approx(cached)
    ledger = Ledger()
    for steps in (STEPS, STEPS, (STEPS[0], "another")):  # the same again, then another second step
        (scored,) = GenerativeVerifier(settings(thoughts=2), engine).score([(ASKED, steps)])
        ledger.charge_scoring(steps, scored, FLOPS)
    other = scored.spent[2]
    assert ledger.cost.reward_tokens == 2 * sum(tokens) + tokens[0] + other.tokens
    assert ledger.cost.flops == pytest.approx(2 * sum(anew) + anew[0] + other.flops)
    assert ledger.cost.flops_cached == pytest.approx(sum(cached) + other.flops_cached)


PROBLEMS = [replace(problem(n), prompt=f"{n} ?") for n in range(6)]
ONE_STEP = CoinPolicy(p=0.5, length=1)


def rows(engine, strategies, policy=ONE_STEP, budgets=(1, 3), **changes):
    """Rows of strategies; with one step and odd budgets no vote is a tie."""
    scorer = GenerativeVerifier(settings(**changes), engine) if engine else None
    return evaluate(PROBLEMS, Engines(policy, scorer, grade), strategies, ["last", "min"], budgets)


def test_a_judge_that_says_yes_to_everything_chooses_nothing():
    """The first sample, or the majority's answer; a judge that knows the truth finds it."""
    chosen = rows(Scripted(lambda text: 1.0), ["best_of_n", "weighted_best_of_n"], thoughts=0)
    chosen = chosen[chosen.aggregation == "min"].set_index(KEYS).sort_index()
    controls = rows(None, ["majority", "oracle"]).set_index(KEYS).sort_index()
    assert chosen.correct["weighted_best_of_n"].equals(controls.correct["majority"])
    firsts = [draw(each, 1)[0].steps == ("1",) for each in PROBLEMS]
    assert list(chosen.correct["best_of_n", 3]) == firsts and 0 < sum(firsts) < len(firsts)
    knows = rows(Scripted(lambda text: float(": 1" in shown(text))), ["best_of_n"], thoughts=0)
    best = knows[(knows.budget == 3) & (knows.aggregation == "min")]
    assert list(best.correct) == list(controls.correct["oracle", 3])


def shown(text):
    return text.split("Solution so far:")[1].split("Is the solution")[0]


def draw(problem, samples, policy=ONE_STEP):
    """The first samples of a problem."""
    return policy.extend([Extension(problem, (), samples, 0, "end")])[0]


def test_a_run_costs_what_its_samples_and_verdicts_cost():
    engine = Scripted(lambda text: 0.5)
    found = rows(engine, ["best_of_n"], CoinPolicy(), [4], thoughts=2)
    row = found[(found.budget == 4) & (found.problem_id == PROBLEMS[0].problem_id)].iloc[0]
    scorer = GenerativeVerifier(settings(thoughts=2), engine)
    samples = draw(PROBLEMS[0], 4, CoinPolicy())
    scored = scorer.score([(PROBLEMS[0], sample.steps) for sample in samples])
    judged = [part for each in scored for part in each.spent]
    assert row.reward_tokens == sum(part.tokens for part in judged)
    drawn = sum(sample.flops for sample in samples)
    assert row.flops == pytest.approx(drawn + sum(part.flops for part in judged))
    once = {}
    for sample, each in zip(samples, scored, strict=True):
        for end, part in enumerate(each.spent):
            once.setdefault(sample.steps[:end], part.flops_cached)
    saved = 3 * samples[0].prefix_flops
    assert row.flops_cached == pytest.approx(drawn - saved + sum(once.values()))


def test_verdicts_that_the_tokenizer_cannot_tell_apart_are_an_error():
    tokenizer = letters.tokenizer()
    opening, words = find_words("judge", tokenizer, VERDICTS)
    assert (opening, list(words)) == (letters.ids("Verdict: "), letters.ids("YN"))
    with pytest.raises(UserError, match=r"rewards.verifiers: judge: .*cannot tell.*'да'"):
        find_words("judge", tokenizer, ("да", "нет"))
