"""What some tests need of the machine: without it they are skipped, and the last lines say what to
install.
"""

from collections import Counter

import pytest

from prmscale.tasks.grading import sandbox

boxed = pytest.mark.skipif(
    not sandbox.is_available(),
    reason="bubblewrap is missing or cannot start here: apt-get install bubblewrap; "
    "it needs user namespaces",
)


def summarise_skipped(reasons):
    """Lines that say how many tests were skipped, and why; none where none was."""
    if not reasons:
        return []
    counts = Counter(reason.removeprefix("Skipped: ") for reason in reasons)
    lines = [f"{number:>5}  {reason}" for reason, number in counts.most_common()]
    return [f"{len(reasons)} tests were skipped for what this machine lacks:", *lines]
