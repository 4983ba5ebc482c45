"""Keys of earlier schemas, and the key that holds the same setting now."""

OLD_KEYS = {
    "policies.released[].prompting.dtype": "policies.released[].dtype",
    "policies.released[].prompting.revision": "policies.released[].revision",
    "policies.released[].prompting.template": "policies.released[].prompting.chat_template",
    "labels.decision.threshold": "labels.decision.METHOD.threshold, by label METHOD: adaptive or "
    "binary_search",
    "labels.decision.confidence": "labels.decision.METHOD.confidence, by label METHOD: adaptive or "
    "binary_search",
    "rewards.models[].checkpoints": "rewards.models[].training.checkpoints",
    "search.tree.trees": "search.tree.saved_trees",
    "analysis.draws": "analysis.permutations",
    "claims.equivalence_margin": "claims.smallest_effects.math_to_code",
}
