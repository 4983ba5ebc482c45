"""The engines that run models: transformers and vLLM."""
