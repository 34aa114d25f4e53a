"""A shell with job control in the terminal that it is started in: Ctrl-Z, `fg` and `bg` work."""

from __future__ import annotations

import fcntl
import os
import termios

if __name__ == "__main__":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # signals of its keys come from a controlling terminal
    os.environ["PS1"] = "$ "
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
