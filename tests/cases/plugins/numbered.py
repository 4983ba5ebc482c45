"""A PRM format: each step on a numbered line; a score is read at each line's last token."""

from transformers import AutoModelForTokenClassification

from prmscale.engines.backends.released_scorer import Format, register_format
from prmscale.tasks.steps import Encoded


@register_format("numbered")
class Numbered(Format):
    """The prompt, and each step on a numbered line."""

    model = AutoModelForTokenClassification

    def encode(self, tokenizer, prompt, steps):
        """The tokens of all lines, and the last token of each."""
        ids = tokenizer.encode(prompt + "\n")
        start, ends = len(ids), []
        for number, step in enumerate(steps, 1):
            ids += tokenizer.encode(f"{number} {step}\n", add_special_tokens=False)
            ends.append(len(ids) - 1)
        return Encoded(ids, ends, start)
