"""How names and figures are written for a person."""

from __future__ import annotations

import os

import pytest

from soutu.cli.display import bar, columns, count, data_size, duration, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain 猫 é", "plain 猫 é"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x1b[31mred\x9b", r"\x1b[31mred\x9b"),
        ("gpj.\u202ecod", r"gpj.\u202ecod"),
        (os.fsdecode(b"a\xffb"), r"a\xffb"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("\ufeffa\u2028b", r"\ufeffa\u2028b"),
    ],
)
def test_printable(text: str, expected: str) -> None:
    """Nothing that a terminal would act on gets through; scripts and emoji do."""
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0, "····"), (1, "████"), (0.5, "██··"), (0.03, "▏···"), (-1, "····"), (2, "████")],
)
def test_bar(share: float, expected: str) -> None:
    """A bar has always the same width, whatever it is given."""
    assert bar(share, 4) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1:00 min"),
        (125, "2:05 min"),
        (3725, "1:02:05 h"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    """Short spans have tenths, long ones hours."""
    assert duration(seconds) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1234, "1.2 kB"),
        (999_960, "1.0 MB"),
        (5_000_000_000_000, "5.0 TB"),
    ],
)
def test_data_size(number: int, expected: str) -> None:
    """Sizes are in powers of a thousand."""
    assert data_size(number) == expected


def test_columns_count_wide_characters() -> None:
    """Chinese names take two cells each, so the next column still lines up."""
    assert columns([("猫", "1", "a"), ("dog", "10", "")], right=(1,)) == ["猫    1  a", "dog  10"]


def test_count() -> None:
    """One picture is not "1 pictures"."""
    assert [count(1, "picture"), count(2000, "picture")] == ["1 picture", "2,000 pictures"]
