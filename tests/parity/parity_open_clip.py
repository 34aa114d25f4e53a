# mypy: ignore-errors
# The reference libraries are not installed where types are checked.
"""open_clip, with the stand-in for torchvision where there is none."""

import torchvision_standin

torchvision_standin.install()

import open_clip  # noqa: E402 - only after the stand-in
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer  # noqa: E402

__all__ = ["HFTokenizer", "SimpleTokenizer", "open_clip"]
