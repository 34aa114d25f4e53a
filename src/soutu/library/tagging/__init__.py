"""Tags: a vocabulary that people own, scores, learning from labels, review."""
