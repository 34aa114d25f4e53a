"""Encoders: where they come from, how they are loaded and run."""
