"""Jobs start fast: a script imports a heavy library only if its work needs it."""

import ast
import subprocess
import sys

import pytest
from pipeline import ROOT, SMOKE

from prmscale.figures import FIGURES

MODELS = {"torch", "transformers"}
STATISTICS = {"scipy.optimize", "scipy.stats", "sklearn"}
DRAWING = {"matplotlib", "seaborn"}
GRADING = {"sympy", "math_verify"}
RARE = {"datasets", "peft", "vllm"}
FIGURE = MODELS | GRADING | RARE  # seaborn, which styles figures, loads scipy.stats
FORBIDDEN = {
    "build_corpus": MODELS | STATISTICS | DRAWING | GRADING | RARE,
    "draw_figure": FIGURE,
    "judge_claims": MODELS | DRAWING | GRADING | RARE,
    "search_unscored": MODELS | STATISTICS | DRAWING | GRADING | RARE,
    "summarise_labels": MODELS | DRAWING | GRADING | RARE,
}
# a model job needs torch and transformers, and nothing of what other jobs need
FORBIDDEN["train_reward_model"] = DRAWING | RARE
LIGHT = ("build_problems", "check_contamination", "import_corpus", "import_solutions")
LIGHT += ("read_labels", "split_solutions_again", "store_config", "summarise_replies")
FORBIDDEN |= dict.fromkeys(LIGHT, FORBIDDEN["build_corpus"])


def imports_of(script):
    """The import statements of a rule's script, and no other line of it."""
    body = ast.parse((ROOT / f"workflow/scripts/{script}.py").read_text()).body
    return "\n".join(ast.unparse(n) for n in body if isinstance(n, ast.Import | ast.ImportFrom))


def assert_not_loaded(imports, forbidden):
    """Run the imports in a new process; none of the forbidden packages may be loaded then."""
    command = [sys.executable, "-c", f"{imports}\nimport sys\nprint(*sys.modules)"]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert forbidden & {*loaded} == set()


@pytest.mark.parametrize("script", FORBIDDEN)
def test_a_script_does_not_import_what_its_work_does_not_need(script):
    assert_not_loaded(imports_of(script), FORBIDDEN[script])


def test_no_figure_imports_a_model_library():
    figures = ", ".join(f"prmscale.figures.{figure}" for figure in FIGURES)
    assert_not_loaded(f"import {figures}", FIGURE)


def test_reading_the_rules_imports_no_model_library():
    """Each job reads them, and so does a dry run."""
    planned = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "snakemake", "--dry-run", "--quiet", *SMOKE],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {line.split("|")[-1].strip() for line in planned.stderr.splitlines()}
    assert "prmscale.configuration" in loaded
    assert loaded & FORBIDDEN["build_corpus"] == set()
