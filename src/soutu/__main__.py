"""Run the command line as `python -m soutu`."""

from soutu.cli import main

main()
