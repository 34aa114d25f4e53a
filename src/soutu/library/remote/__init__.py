"""The library of a running server, over HTTP."""
