"""Make a model smaller: int8 (dynamic or static) or fp16, and measure what it costs and brings.

- `dynamic`: int8 weights; activations are rounded as they come. Needs no pictures.
- `static`: the image tower's activations too have fixed scales, found on the user's pictures
  (calibration). Fastest for convolutions.
- `fp16`: weights are stored as halves and computed with in fp32. Half the size, no faster.
"""

from __future__ import annotations

from soutu.models.quantize.making import available, make
from soutu.models.quantize.measuring import measure, rejected, size_of
from soutu.models.quantize.report import (
    ACCEPT,
    METHODS,
    PRECISION,
    Method,
    Quality,
    QuantizeReport,
    with_graphs,
)

__all__ = [
    "ACCEPT",
    "METHODS",
    "PRECISION",
    "Method",
    "Quality",
    "QuantizeReport",
    "available",
    "make",
    "measure",
    "rejected",
    "size_of",
    "with_graphs",
]
