"""Bytes to pixels to model input."""
