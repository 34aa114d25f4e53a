"""The library: indexing, search, relevance and models, over catalog and index."""
