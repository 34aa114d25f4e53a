"""Experiments: two ways of answering the same people, and what they do with the answers."""
