"""Cards (README.md) of models and data, with the head that the Hugging Face hub reads."""
