"""gRPC: search, tags, vectors for other programs, and indexing with its progress."""
