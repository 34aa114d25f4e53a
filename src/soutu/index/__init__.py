"""Vectors and filters: where the vectors of a space live and how they are searched."""
