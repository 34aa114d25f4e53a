"""The page as people use it: Chromium, a real server, real photos."""
