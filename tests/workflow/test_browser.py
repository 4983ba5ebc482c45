"""The explorer of the smoke study in a real browser."""

import json
import re

import pandas as pd
import pytest
from browser import browsed, list_barriers, opened
from pipeline import SMOKE, snakemake

pytestmark = [pytest.mark.study, browsed]


@pytest.fixture(scope="module")
def page(project):
    return project / "results/smoke/explorer.html"


@pytest.fixture(scope="module")
def results(project):
    return project / "results/smoke"


def test_a_solution_is_shown_with_its_scores_its_truth_and_what_chose_it(page, results):
    with opened(page, "#set=m/programs/test&problem=00003&prm=both-m&seed=2&budget=8") as tab:
        search = pd.read_parquet(results / "search/both-m.parquet")
        row = search[
            (search.problem_id == "programs/test/00003")
            & (search.strategy == "best_of_n")
            & (search.budget == 8)
            & (search.replicate == 2)
            & (search.training_step == search.training_step.max())
        ].set_index("aggregation")
        chosen = tab.locator("article.chosen")
        number = int(chosen.get_attribute("id").removeprefix("sample-"))
        assert number in set(row.chosen)
        scores = pd.read_parquet(results / "solution_scores/both-m.parquet")
        one = scores[
            (scores.problem_id == "programs/test/00003")
            & (scores.solution_id == number)
            & (scores.replicate == 2)
        ].scores.iloc[0]
        shown = chosen.locator(".chip").all_inner_texts()
        assert [float(text) for text in shown] == pytest.approx(list(one), abs=0.008)
        assert tab.locator("article").count() == 8
        assert tab.locator("article .known").first.inner_text() in ("✓ right", "✗ first error")
        votes = tab.locator("table").nth(1).locator("tbody tr").all_inner_texts()
        assert sum(int(each.split("\t")[1]) for each in votes) == 8
        assert tab.faults == []


def test_the_address_is_the_view(page):
    with opened(page) as tab:
        tab.select_option("[name=set]", label="programs (code, test) by m")
        tab.select_option("[name=beside]", "code-m")
        tab.select_option("[name=by]", "majority")
        tab.locator("#problems a").nth(4).click()
        assert len(tab.locator("article .chip").all()) > 10
        address, seen = tab.url.partition("#")[2], tab.locator("#detail").inner_text()
        assert tab.faults == []
    with opened(page, f"#{address}") as tab:
        assert tab.locator("#detail").inner_text() == seen
        tab.go_back()


def test_claims_lead_to_the_problems_that_decided_them(page, results):
    claims = (results / "claims.md").read_text()
    links = re.findall(r"\[(\S+) chooses right and (\S+) wrong\]\(explorer.html(#\S+?)\)", claims)
    assert ("math-m", "code-m") in {(better, worse) for better, worse, _ in links}
    for better, worse, address in links:
        with opened(page, address, waits_for="#count") as tab:
            assert tab.input_value("[name=prm]") == better
            assert tab.input_value("[name=beside]") == worse
            assert tab.locator("#problems .bad").all_inner_texts() == []
            assert tab.faults == []


def test_claim_d_leads_to_the_problems_that_one_strategy_alone_solves(page, results):
    claims = (results / "claims.md").read_text()
    links = re.findall(r"\[MCTS is right and best-of-n wrong\]\(explorer.html(#\S+?)\)", claims)
    assert len(links) == 2  # data sets
    for address in links:
        with opened(page, address, waits_for="#count") as tab:
            assert tab.input_value("[name=by]") == "mcts"
            assert tab.locator("#problems .bad").all_inner_texts() == []
            left = tab.locator("#problems a").count()
            tab.select_option("[name=filter]", "won")
            tab.select_option("[name=filter]", "ahead")
            assert tab.locator("#problems a").count() == left and tab.faults == []


@pytest.mark.parametrize("kind", ["all", "wrong", "lost", "won", "behind", "missed", "misread"])
def test_filters_leave_the_problems_that_they_name(page, kind):
    with opened(page, "#set=m/programs/test") as tab:
        total = tab.locator("#problems a").count()
        tab.select_option("[name=filter]", kind)
        left = tab.locator("#problems a").count()
        assert f"{left} of {total} problems" in tab.locator("#count").inner_text()
        assert left == total if kind == "all" else left <= total
        wrong = tab.locator("#problems a .bad:has-text('✗')").count()
        assert wrong == left if kind in ("wrong", "lost", "behind") else True


def test_words_are_found_in_problems_and_steps(page):
    with opened(page, "#set=m/arithmetic/test") as tab:
        tab.fill("#q", "no such words")
        tab.press("#q", "Enter")
        assert tab.locator("#problems a").count() == 0
        prompt = tab.evaluate("study.texts[study.sets[0].problems.prompts[2]]")
        tab.fill("#q", prompt.upper())
        tab.press("#q", "Enter")
        assert tab.locator("#problems a").count() == 1
        assert prompt in tab.locator("#detail").inner_text()


def test_trees_are_folded_and_the_path_to_the_answer_is_marked(page, results):
    trees = pd.read_parquet(results / "trees/both-m/m/programs.parquet")
    name = trees.problem_id.iloc[0].rpartition("/")[2]
    with opened(
        page, f"#set=m/programs/test&problem={name}&prm=both-m&view=trees&tree=mcts"
    ) as tab:
        nodes = trees[
            (trees.problem_id == trees.problem_id.iloc[0])
            & (trees.strategy == "mcts")
            & (trees.replicate == 1)
        ]
        assert tab.locator(".tree .chip").count() == len(nodes)
        assert tab.locator(".tree .path").count() == nodes.chosen.sum()
        tab.get_by_role("button", name="Fold all", exact=True).click()
        assert tab.locator(".tree details[open]").count() == 0
        tab.get_by_role("button", name="Unfold all", exact=True).click()
        parents = set(nodes.parent) - {-1}
        assert tab.locator(".tree details[open]").count() == len(parents)
        assert tab.faults == []


def test_labelled_solutions_are_shown_with_their_rollouts(page):
    with opened(page, "#set=m/programs/validation") as tab:
        assert "rollouts" in tab.locator("article .known").first.inner_text()
        assert tab.faults == []


def test_the_keyboard_moves_through_problems(page):
    with opened(page, "#set=m/programs/test") as tab:
        for key, place in (("j", 1), ("j", 2), ("k", 1)):
            tab.keyboard.press(key)
            links = tab.locator("#problems a")
            assert links.nth(place).get_attribute("aria-current") == "true"
        tab.keyboard.press("t")
        assert "view=trees" in tab.url
        tab.keyboard.press("/")
        assert tab.evaluate("document.activeElement.id") == "q"
        tab.keyboard.press("Tab")
        tab.keyboard.press("?")
        assert tab.locator("#help").is_visible()
        tab.keyboard.press("Escape")
        assert not tab.locator("#help").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["solutions", "trees"])
def test_nobody_is_shut_out(page, scheme, view):
    address = f"#set=m/programs/test&beside=code-m&view={view}"
    with opened(page, address, color_scheme=scheme, viewport={"width": 1280, "height": 900}) as tab:
        assert list_barriers(tab) == []


def test_a_telephone_shows_all_of_it(page):
    with opened(page, "#set=m/programs/test", viewport={"width": 360, "height": 740}) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
        assert list_barriers(tab) == []


def test_what_a_page_says_of_a_study_without_reward_models(tmp_path):
    from prmscale.explorer.page import assemble

    column = json.loads('{"u32": ""}')
    empty = dict.fromkeys(("problem", "number", "counts", "steps", "answer", "tokens"), column)
    empty |= {"correct": {"u8": ""}, "cut": {"u8": ""}, "first_error": {"i16": ""}, "values": None}
    problems = {"ids": ["1"], "domain": "math", "prompts": [0], "answers": [1]}
    problems |= {"difficulties": [0], "misread": [[]]}
    one = {"dataset": "mine", "policy": "p", "split": "test", "problems": problems}
    one |= {"solutions": empty, "scores": {}, "choices": [], "trees": []}
    data = {"study": "<b>bare</b>", "aggregation": "min", "first_model": ""}
    page = tmp_path / "page.html"
    page.write_text(assemble({**data, "sets": [one], "texts": ["</script> why?", ""]}))
    with opened(page) as tab:
        assert tab.locator("#study").inner_text() == "<b>bare</b>"
        assert "</script> why?" in tab.locator("#detail").inner_text()
        assert tab.faults == []


def test_the_report_shows_figures_tables_claims_and_the_explorer(project, tmp_path):
    target = tmp_path / "report.html"
    done = snakemake(project, *SMOKE, "--report", str(target))
    assert done.returncode == 0, done.stderr[-2000:]
    with opened(target, waits_for="body") as tab:
        for category in ("Claims", "Figures", "Tables", "Configuration", "Explorer"):
            tab.get_by_text(category, exact=True).first.wait_for()
        tab.get_by_text("Tables", exact=True).first.click()
        tab.get_by_text("training_sets", exact=True).first.wait_for()
        assert tab.faults == []
