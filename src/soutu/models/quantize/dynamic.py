"""Dynamic int8: the weights become int8, activations are quantised as they come.

One scale for all of a layer's weights is fastest, one a channel more exact. Real weights can have
outlier activations that neither can hold: then the layers where the expected error is largest stay
in fp32.
"""

from __future__ import annotations

from pathlib import Path

from soutu.models.quantize.quiet import has_external_data, quiet
from soutu.models.quantize.report import Recipe

OPERATORS = ("MatMul", "Gemm")
ATTEMPTS = (
    (False, 0.0, OPERATORS),
    (True, 0.0, OPERATORS),
    (True, 0.15, OPERATORS),
    (True, 0.3, OPERATORS),
)
"""One scale a channel or not, the share of the layers that stays fp32, and what is quantised; the
fastest first."""


def quantize_dynamically(source: Path, target: Path, recipe: Recipe) -> None:
    """Write the int8 form of a graph. Raises ModelError for one that cannot be read."""
    # onnxruntime ships no types.
    from onnxruntime.quantization import (  # type: ignore[import-untyped]
        QuantType,
        quantize_dynamic,
    )

    with quiet(source):
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=list(recipe.operators),
            per_channel=recipe.per_channel,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=list(recipe.kept.get(source, ())),
            use_external_data_format=has_external_data(source),
        )
