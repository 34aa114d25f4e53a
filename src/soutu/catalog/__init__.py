"""What people said and which files there are, in SQL."""
