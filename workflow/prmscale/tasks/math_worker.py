"""The helper process that compares math answers; a parser that hangs or crashes takes only this process down."""

import json
import sys

from math_verify import parse, verify


def equal(gold: str, answer: str) -> bool:
    """Whether math-verify finds the two answers equal; its own time limits (signals) are off."""
    forms = [parse(f"${text}$", parsing_timeout=None) or parse(text, parsing_timeout=None) for text in (gold, answer)]
    return bool(verify(forms[0], forms[1], timeout_seconds=None))


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            found = equal(*json.loads(line))
        except Exception:  # any fault of the parser means: not shown to be equal
            found = False
        sys.stdout.write(json.dumps({"equal": found}) + "\n")
        sys.stdout.flush()
