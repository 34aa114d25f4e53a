"""Tests of the command line; a package because other parts have a conftest too."""
