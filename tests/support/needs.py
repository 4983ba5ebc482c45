"""What some tests need of the machine; without it they are skipped and say what to install."""

import pytest

from prmscale.tasks.grading import sandbox

boxed = pytest.mark.skipif(
    not sandbox.available(),
    reason="bubblewrap is missing or cannot start here: apt-get install bubblewrap; it needs user "
    "namespaces",
)
