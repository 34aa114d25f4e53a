"""Reports say the same in every format, need nothing else, and cannot be broken by names."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from evaluated import captions_csv, painted, setup

from soutu.data import load
from soutu.errors import InputError, StorageError
from soutu.evaluate.found import open_found, run_found
from soutu.evaluate.plots import bars, curves, differences, reliability
from soutu.evaluate.report import Report, check_target, number, write
from soutu.evaluate.retrieval_report import retrieval_report
from soutu.evaluate.setup import System
from soutu.evaluate.tagging import judge
from soutu.evaluate.tagging_report import tagging_report
from soutu.metrics import Interval

EVIL = "<script>alert('x')</script> & \"more\" | `pipe`"
NAN = float("nan")


class Page(HTMLParser):
    """Collect what a page loads, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.said += data


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report on captions, one of which is nasty."""
    folder = tmp_path_factory.mktemp("captions")
    quoted = EVIL.replace('"', '""')
    file = captions_csv(folder, ["red.png,red", f'blue.png,"{quoted}"', "green.png,blue"])
    measuring = setup(folder, resamples=20)
    found = run_found(open_found(file), System(model="colour"), measuring)
    return retrieval_report(found, measuring, command=f"soutu eval {EVIL}")


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report on tags by an encoder that sees nothing."""
    folder = tmp_path_factory.mktemp("tags")
    painted(folder / "data", copies=3)
    measuring = setup(folder, resamples=20)
    judged = judge(load(folder / "data"), System(model="blind"), measuring)
    return tagging_report(judged, measuring, command="soutu eval tagging data")


def test_a_page_needs_nothing_else(found: Report, tagged: Report, tmp_path: Path) -> None:
    """Pictures are in it, and nothing is fetched; names stay text."""
    for report in (found, tagged):
        write(report, tmp_path / "report.html")
        page = Page((tmp_path / "report.html").read_text("utf-8"))
        assert page.loaded
        assert all(each.startswith("data:image/webp;base64,") for each in page.loaded)
        assert {"script", "link", "iframe"}.isdisjoint(page.tags)
        assert {"svg", "img", "table"} <= set(page.tags)
    write(found, tmp_path / "found.html")
    assert EVIL in Page((tmp_path / "found.html").read_text("utf-8")).said


def test_pages_follow_light_and_dark_and_small_screens(found: Report, tmp_path: Path) -> None:
    """Every colour has two values, and the page its own width."""
    write(found, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert text.count("prefers-color-scheme:dark") >= 2
    assert 'name="viewport"' in text


def test_markdown_has_its_plots_beside_it(tagged: Report, tmp_path: Path) -> None:
    """Every plot is a file that a browser draws, and every table row has its columns."""
    write(tagged, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text("utf-8")
    plots = re.findall(r"!\[.*\]\((.*\.svg)\)", text)
    assert plots == ["report-1.svg", "report-2.svg"]
    for plot in plots:
        assert ElementTree.parse(tmp_path / plot).getroot().tag.endswith("svg")
    assert "| mAP macro |" in text
    assert "- command: `soutu eval tagging data`" in text


def test_markdown_escapes_what_it_would_act_on(found: Report, tmp_path: Path) -> None:
    """A caption is no markup."""
    write(found, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text("utf-8")
    assert "<script>" not in text.replace(r"\<script>", "").replace("`soutu eval <script>", "")


def test_json_has_every_figure_and_how_it_was_made(
    found: Report, tagged: Report, tmp_path: Path
) -> None:
    """Strict JSON: what is no number is null."""
    for report in (found, tagged):
        write(report, tmp_path / "report.json")
        text = (tmp_path / "report.json").read_text("utf-8")
        data = json.loads(text, parse_constant=lambda name: pytest.fail(name))
        made = data["made"]
        assert len(made["data"]["digest"]) == len(made["data"]["content"]) == 32
        assert made["models"][0]["revision"]
        assert {"soutu", "numpy", "onnxruntime"} <= made["versions"].keys()
        assert made["seed"] == 0
    assert 0 <= data["figures"]["figures"]["mAP macro"]["estimate"] <= 1
    assert set(data["figures"]["classes"]) == {"red", "green", "blue", "white"}


def test_a_target_is_checked_before_the_work(found: Report, tmp_path: Path) -> None:
    """An ending that says no format, a folder that is not there, one that cannot be written."""
    with pytest.raises(InputError, match=r"end it with one of .html, .md, .json"):
        check_target(tmp_path / "report.pdf")
    with pytest.raises(InputError, match="there is no folder"):
        check_target(tmp_path / "nowhere" / "report.md")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        write(found, tmp_path / "folder.json")


def test_pictures_that_are_gone_are_left_blank(found: Report, tmp_path: Path) -> None:
    """A report of yesterday's data can be written today."""
    from dataclasses import replace

    from soutu.evaluate.report import Gallery, Section, Tile

    gone = Tile(path=tmp_path / "gone.png", lines=("gone",), mark="wrong")
    section = Section(title="x", parts=(Gallery(title="y", rows=(("", (gone,)),)),))
    write(replace(found, sections=(section,)), tmp_path / "report.html")
    assert 'src="data:,"' in (tmp_path / "report.html").read_text("utf-8")


def test_plots_are_valid_whatever_they_show() -> None:
    """Also nothing, values that are none, and names that are markup."""
    rows = [(EVIL, Interval(0.5, 0.4, 0.6)), ("none", Interval(NAN, NAN, NAN)),
            ("alone", Interval(1.0, NAN, NAN))]  # fmt: skip
    for svg in (
        bars(rows, name=EVIL),
        bars([], name="empty"),
        differences(rows, name="d"),
        differences([], name="d"),
        curves({EVIL: [(1.0, 0.0), (1000.0, 1.0)], "b": []}, name="c", x="k", y="<y>"),
        reliability([0.5, 0.9], [0.4, NAN], [3, 0], name="r"),
        reliability([], [], [], name="r"),
    ):
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert "nan" not in re.sub(r"<title>.*?</title>", "", svg)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.0412, "0.0412"), (12.345, "12.3"), (4109.4, "4,109")]
)
def test_numbers_have_three_digits_that_count(value: float | None, text: str) -> None:
    """Neither too many nor a power of ten."""
    assert number(value) == text
