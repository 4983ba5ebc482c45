"""What runs models: transformers and vLLM."""
