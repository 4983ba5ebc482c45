"""Scoring, searching and labelling one problem without a study."""

import pytest
import tiny
from scripted import CoinPolicy, PerfectScorer

from prmscale import library
from prmscale.errors import UserError
from prmscale.study import Prompting, Sampling, TreeSearch


def test_there_is_one_score_a_step_however_the_solution_is_given():
    text, steps = "1\n1\n\n0\n1\n", ["1", "1", "0", "1"]
    for solution in (text, steps):
        assert library.score(PerfectScorer(), "a problem", solution) == [1, 1, 0, 0]


@pytest.mark.parametrize("strategy", ["beam", "lookahead", "dvts", "mcts", "puct"])
def test_a_search_finds_what_the_reward_model_likes_within_its_budget(strategy):
    policy = CoinPolicy(p=0.6, length=3)  # three steps of a token each
    found = library.search(policy, PerfectScorer(), "a problem", strategy, budget=16)
    assert found.steps == ("1", "1", "1") and found.text == "1\n1\n1\n"
    assert found.scores == [1, 1, 1] and 0 < found.tokens <= 16 * 3


def test_a_search_without_a_whole_solution_says_so():
    options = TreeSearch(expansion=8)
    found = library.search(CoinPolicy(length=9), PerfectScorer(), "a problem", "dvts", 1, options)
    assert found == ("", (), [], 9)


def test_labels_tell_from_which_step_on_no_rollout_is_right():
    policy = CoinPolicy(p=1.0, length=4)
    policy.prompting = Prompting()
    found = library.label(policy, "a problem", ["1", "1", "0", "1"], lambda text: "0" not in text)
    assert found.value.tolist() == [1, 1, 0, 0] and found.label.tolist() == [1, 1, 0, 0]
    assert found.tokens_spent.tolist() == [24, 16, 8, 0]  # eight rollouts of what is missing


@pytest.mark.slow
def test_a_policy_samples_alike_under_one_seed_alone(tmp_path):
    folder, sampling = tiny.saved(tmp_path, 16), Sampling(max_tokens=12)

    def texts(seed):
        policy = library.load_policy(folder, Prompting(), sampling, seed=seed)
        return [library.search(policy, PerfectScorer(), str(n), budget=2) for n in range(3)]

    assert texts(0) == texts(0) != texts(1)


def test_answers_are_compared_by_their_values():
    is_right = library.has_answer("1/2")
    assert is_right("So the answer is \\boxed{0.5}.") and not is_right("The answer is 2.")
    assert not is_right("")


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UserError, match="possible: beam, lookahead, dvts, particle_filtering"):
        library.search(CoinPolicy(), PerfectScorer(), "a problem", "beems")
    with pytest.raises(UserError, match=r"possible: math_shepherd, .*qwen, .*trl"):
        library.load_prm("somewhere", format="gwen")
    with pytest.raises(UserError, match=r"load_prm: .*give that model as reference"):
        library.load_prm("somewhere", format="implicit")
    with pytest.raises(UserError, match="load_prm: referense Extra inputs are not permitted"):
        library.load_prm("somewhere", format="implicit", reference="a", referense="b")
