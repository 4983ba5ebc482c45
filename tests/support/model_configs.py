"""What the config.json of released models says of their size."""

QWEN_72B = {
    "num_hidden_layers": 80,
    "hidden_size": 8192,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "intermediate_size": 29568,
    "vocab_size": 152064,
    "tie_word_embeddings": False,
}
QWEN_HALF_B = {
    "num_hidden_layers": 24,
    "hidden_size": 896,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "intermediate_size": 4864,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
}
PYTHIA_1B = {
    "model_type": "gpt_neox",
    "num_hidden_layers": 16,
    "hidden_size": 2048,
    "num_attention_heads": 8,
    "intermediate_size": 8192,
    "vocab_size": 50304,
    "tie_word_embeddings": False,
}
