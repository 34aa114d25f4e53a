"""Labelled data sets: read from any layout, split, and checked before anything is learnt."""

from __future__ import annotations

from soutu.data.labelled import NO, UNKNOWN, YES, LabelledData, Labels
from soutu.data.loading import load
from soutu.data.stratify import stratified

__all__ = ["NO", "UNKNOWN", "YES", "LabelledData", "Labels", "load", "stratified"]
