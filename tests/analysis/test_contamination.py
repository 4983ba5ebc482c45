"""The check for contamination against a brute-force count."""

import pandas as pd

from prmscale.analysis.contamination import table


def problems(dataset, *prompts):
    return pd.DataFrame({"dataset": dataset, "prompt": prompts})


def test_exact_and_ngram_overlap():
    passage = " ".join(f"word{i}" for i in range(13))
    train = pd.concat(
        [problems("a", f"Intro. {passage} tail", "Find  THE sum!"), problems("b", "nothing alike")]
    )
    test = problems("t", "find the sum!", f"other start {passage}", " ".join(passage.split()[:12]))
    found = table(train, test, n=13).set_index("train")
    assert found.loc["a", ["exact", "ngram", "test_problems"]].tolist() == [1, 1, 3]
    assert found.loc["b", ["exact", "ngram"]].tolist() == [0, 0]
    assert table(train, test, n=12).set_index("train").loc["a", "ngram"] == 2
