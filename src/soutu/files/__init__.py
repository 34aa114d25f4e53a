"""Text files that people hand in and take away: texts and tables (CSV)."""
