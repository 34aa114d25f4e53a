"""Arrays and scalars, by the names that every floor uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Strings, so that importing this module does not import numpy.
Vectors: TypeAlias = "NDArray[np.float32]"
"""Rows of unit length, shape [n, dim]."""
Ids: TypeAlias = "NDArray[np.int64]"
"""Image ids, shape [n]; each in 1 .. 2**53 - 1, so that JSON readers keep them exact."""
Pixels: TypeAlias = "NDArray[np.uint8]"
"""RGB pictures ready for a model, shape [n, 3, height, width]."""
Scalar: TypeAlias = str | int | float | bool
Payload: TypeAlias = Mapping[str, Scalar | list[str]]
"""What the vector index knows of a picture besides its vector; see `index.base.FIELDS`."""
