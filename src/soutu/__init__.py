"""Find and tag pictures by meaning."""

__version__ = "0.1.0.dev0"
