"""Hashes of large files are remembered, and only while they hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from onnx_models import transformers_folder

from soutu.models import revision
from soutu.models.layout import read
from soutu.models.revision import revision_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a model whose every file counts as large."""
    monkeypatch.setattr(revision, "REMEMBER_ABOVE", 0)
    return transformers_folder(tmp_path / "m")


def test_a_large_file_is_hashed_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time nothing is read."""
    files, memory = read(folder), tmp_path / "home/hashes.json"
    first = revision_of(files, "fp32", memory)
    monkeypatch.setattr(revision, "_hash", None)
    assert revision_of(files, "fp32", memory) == first


def test_a_changed_file_is_hashed_again(folder: Path, tmp_path: Path) -> None:
    """Another size or time is another file."""
    files, memory = read(folder), tmp_path / "hashes.json"
    first = revision_of(files, "fp32", memory)
    data = bytearray(files.tokenizer.read_bytes())
    data[-1] ^= 1
    status = files.tokenizer.stat()
    files.tokenizer.write_bytes(data)
    os.utime(files.tokenizer, ns=(status.st_atime_ns, status.st_mtime_ns + 1000))
    assert revision_of(files, "fp32", memory) != first


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_broken_memory_is_forgotten(folder: Path, tmp_path: Path, content: str) -> None:
    """Remembered hashes are a convenience, not a need."""
    files, memory = read(folder), tmp_path / "hashes.json"
    memory.write_text(content, "utf-8")
    assert revision_of(files, "fp32", memory) == revision_of(files, "fp32")


def test_a_memory_that_cannot_be_written_is_no_error(folder: Path, tmp_path: Path) -> None:
    """A place that is no folder costs only time."""
    (tmp_path / "file").write_text("", "utf-8")
    files = read(folder)
    assert revision_of(files, "fp32", tmp_path / "file/hashes.json") == revision_of(files, "fp32")
