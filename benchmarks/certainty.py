"""Self-certainty from all log-probabilities, and its lower bound from 20 of them, as vLLM reports.

Run as `python benchmarks/certainty.py MODEL`, with a chat model's folder or hub name. The model
writes 8 solutions to each of 16 sums and reads them again. Printed are the mean of both measures
over solutions, their rank correlation among the solutions of a problem, and for how many problems
the vote that weighs answers by ranks (power 1) elects the same answer.
"""

import re
import sys

import pandas as pd
import torch
from engines import problems
from scipy.stats import spearmanr
from transformers import AutoModelForCausalLM

from prmscale.engines.backends.loading import Weights
from prmscale.engines.backends.vllm_policy import TOP, bound_certainty
from prmscale.engines.models import Device, load_policy
from prmscale.engines.requests import Extension
from prmscale.study import Prompting, Sampling

PROBLEMS, SAMPLES, TOKENS = 16, 8, 48


@torch.inference_mode()
def measure(model, prompt: list[int], written: list[int]) -> tuple[float, float]:
    """The mean self-certainty of the written tokens, and the mean of its bounds."""
    logits = model(torch.tensor([[*prompt, *written]])).logits[0, len(prompt) - 1 : -1].float()
    logs = logits.log_softmax(-1)
    vocabulary = logs.shape[1]
    exact = -logs.clamp(min=-100).mean(1) - torch.tensor(vocabulary).log()
    bounds = [bound_certainty(row.tolist(), vocabulary) for row in logs.topk(TOP).values]
    return float(exact.mean()), sum(bounds) / len(bounds)


def elect(group: pd.DataFrame, measure: str) -> str:
    """The answer with most votes, where the solution of rank r among n has n - r + 1."""
    ranks = group[measure].rank(method="first")
    return str(ranks.groupby(group["answer"]).sum().idxmax())


def main() -> None:
    """Print how well the bound stands for the measure."""
    sampling = Sampling(max_tokens=TOKENS, batch=PROBLEMS * SAMPLES, temperature=0.8)
    chat = Prompting(style="chat")
    policy = load_policy("model", Weights(sys.argv[1]), chat, sampling, Device(), seed=0)
    model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
    asked = problems(PROBLEMS)
    replies = policy.extend([Extension(p, (), SAMPLES, 0, "end") for p in asked])
    rows = []
    for problem, reply in zip(asked, replies, strict=True):
        prompt = policy._ids(problem, ())
        for solution in reply:
            text = "\n".join(solution.steps)
            ids = policy.tokenizer.encode(text, add_special_tokens=False)
            exact, bound = measure(model, prompt, ids)
            answer = (re.findall(r"\d+", text) or [""])[-1]
            rows.append((problem.problem_id, answer, exact, bound))
    found = pd.DataFrame(rows, columns=["problem", "answer", "exact", "bound"])
    groups = [group for _, group in found.groupby("problem")]
    correlations = [spearmanr(group["exact"], group["bound"]).statistic for group in groups]
    same = sum(elect(group, "exact") == elect(group, "bound") for group in groups)
    print(found[["exact", "bound"]].describe().loc[["mean", "std"]].round(2).to_string())
    print(f"all solutions: Spearman {spearmanr(found.exact, found.bound).statistic:.3f}")
    print(f"within a problem: {pd.Series(correlations).describe().round(3).to_dict()}")
    print(f"the same answer elected: {same} of {len(groups)} problems")


if __name__ == "__main__":
    main()
