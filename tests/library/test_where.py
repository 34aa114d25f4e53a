"""The WHERE language means what SQL users expect and explains itself when it is wrong."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soutu.errors import QueryError
from soutu.library.where import parse_where
from soutu.types import All, AnyOf, Filter, Match, Not, Range


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("camera = 'Canon EOS'", Match("camera", ("Canon EOS",))),
        ("camera = 'O''Hara'", Match("camera", ("O'Hara",))),
        ('format != "PNG"', Not(Match("format", ("PNG",)))),
        ("width >= 1000", Range(field="width", gte=1000)),
        ("width > 1000", Range(field="width", gt=1000)),
        ("width < 1000", Range(field="width", lt=1000)),
        ("size > 2MB", Range(field="bytes", gt=2e6)),
        ("size <= 1.5gb", Range(field="bytes", lte=1.5e9)),
        ("latitude = -33.9", Range(field="latitude", gte=-33.9, lte=-33.9)),
        ("height BETWEEN 10 AND 20", Range(field="height", gte=10, lte=20)),
        ("height NOT BETWEEN 10 AND 20", Not(Range(field="height", gte=10, lte=20))),
        (
            "format IN ('PNG', 'GIF')",
            AnyOf((Match("format", ("PNG",)), Match("format", ("GIF",)))),
        ),
        ("format not in ('PNG')", Not(AnyOf((Match("format", ("PNG",)),)))),
        ("date = '2024'", Range(field="taken", gte=at("2024-01-01"), lt=at("2025-01-01"))),
        ("date = '2024-12'", Range(field="taken", gte=at("2024-12-01"), lt=at("2025-01-01"))),
        ("date > '2024-02'", Range(field="taken", gte=at("2024-03-01"))),
        ("date >= '2024-02'", Range(field="taken", gte=at("2024-02-01"))),
        ("date < '2024-02-29'", Range(field="taken", lt=at("2024-02-29"))),
        ("date <= '2024-02-29'", Range(field="taken", lt=at("2024-03-01"))),
        (
            "date BETWEEN '2023-05' AND '2024'",
            Range(field="taken", gte=at("2023-05-01"), lt=at("2025-01-01")),
        ),
        (
            "taken >= '2024-05-31 12:30'",
            Range(field="taken", gte=at("2024-05-31T12:30")),
        ),
        (
            "width > 1 AND height > 2 OR NOT width > 3",
            AnyOf(
                (
                    All((Range(field="width", gt=1), Range(field="height", gt=2))),
                    Not(Range(field="width", gt=3)),
                )
            ),
        ),
        (
            "width > 1 AND (height > 2 OR width > 3)",
            All(
                (
                    Range(field="width", gt=1),
                    AnyOf((Range(field="height", gt=2), Range(field="width", gt=3))),
                )
            ),
        ),
    ],
)
def test_meaning(text: str, expected: Filter) -> None:
    """Each form parses to the filter it stands for; AND binds closer than OR."""
    assert parse_where(text) == expected


def test_folders_are_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder is meant from here or from home, with or without a slash at its end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert parse_where("folder = 'trip/'") == Match("folder", (str(tmp_path / "trip"),))
    assert parse_where("folder = '~/pics'") == Match("folder", (str(tmp_path / "home/pics"),))


def test_near_is_a_box_that_shrinks_towards_the_poles() -> None:
    """10 km are as many degrees of latitude anywhere, more degrees of longitude in the north."""
    found = parse_where("near(60, 10, 11.132)")
    assert isinstance(found, All)
    latitude, longitude = found.parts
    assert isinstance(latitude, Range)
    assert isinstance(longitude, Range)
    assert (latitude.gte, latitude.lte) == pytest.approx((59.9, 60.1))
    assert (longitude.gte, longitude.lte) == pytest.approx((9.8, 10.2))


def test_near_crosses_the_date_line() -> None:
    """A place by the date line has neighbours on both sides of it."""
    found = parse_where("near(0, 179.95, 11.132)")
    assert isinstance(found, All)
    wrapped = found.parts[1]
    assert isinstance(wrapped, AnyOf)
    east, west = wrapped.parts
    assert isinstance(east, Range)
    assert isinstance(west, Range)
    assert east.gte == pytest.approx(179.85)
    assert west.lte == pytest.approx(-179.95)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the filter is empty"),
        ("  ", "the filter is empty"),
        ("colour = 'red'", "one of the fields .*camera"),
        ("camera = Canon", "text in quotes"),
        ("camera > 'Canon'", "= or != after camera"),
        ("camera BETWEEN 'a' AND 'b'", "= or IN after camera"),
        ("width = 'wide'", "a number for width"),
        ("width =", "expected a value.*found the end"),
        ("width > 5 6", "AND, OR or the end"),
        ("(width > 5", r"expected '\)'"),
        ("width", "expected =, !=, <"),
        ("NOT", r"expected a field, NOT or '\('"),
        ("format IN ('a'", r"',' or '\)'"),
        ("date = '31.5.2024'", "a date in quotes such as"),
        ("date = 2024", "a date in quotes such as"),
        ("near(1, 2)", "expected ','"),
        ("near(100, 2, 3)", "latitude is -90..90"),
        ("width > 5; DROP TABLE images", "cannot read the filter"),
    ],
)
def test_mistakes_are_explained(text: str, message: str) -> None:
    """An error names the filter, the place and what was expected there."""
    with pytest.raises(QueryError, match=message):
        parse_where(text)


@given(st.text(max_size=60))
def test_any_text_parses_or_raises_query_error(text: str) -> None:
    """No input ends in another kind of error."""
    with contextlib.suppress(QueryError):
        parse_where(text)
