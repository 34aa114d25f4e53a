"""Measure tagging, retrieval and indexes on the user's own data, and report what was measured."""
