"""Trained heads: what labelled data taught about many classes, in a folder of its own.

A head turns vectors of pictures into probabilities of classes. It needs neither torch nor
scikit-learn to score: numpy and ONNX Runtime do. `soutu.train` makes heads, a library tags with
them.
"""

from soutu.heads.base import REGIONS, Regions, TrainedHead
from soutu.heads.chain import ChainHead
from soutu.heads.facts import HeadData, HeadEncoder, HeadFacts
from soutu.heads.folder import (
    FACTS,
    FILES,
    HeadParts,
    StoredHead,
    open_head,
    read_facts,
    require_head_folder,
    save_head,
)
from soutu.heads.graph import OnnxGraph
from soutu.heads.linear import LinearHead
from soutu.heads.pixels import PixelGraph

__all__ = [
    "FACTS",
    "FILES",
    "REGIONS",
    "ChainHead",
    "HeadData",
    "HeadEncoder",
    "HeadFacts",
    "HeadParts",
    "LinearHead",
    "OnnxGraph",
    "PixelGraph",
    "Regions",
    "StoredHead",
    "TrainedHead",
    "open_head",
    "read_facts",
    "require_head_folder",
    "save_head",
]
