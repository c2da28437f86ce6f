"""Who recommends: predictor, online evolution, matrix factorisation, the composed agent and its rivals."""
