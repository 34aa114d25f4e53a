"""Label files are read in every form people have, and broken ones say where."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soutu.errors import InputError
from soutu.library.tagging.label_files import LabelRow, read_labels, write_labels
from soutu.types import Label

Said = tuple[str, str, bool | None, int]


def said(path: Path, text: str) -> list[Said]:
    path.write_bytes(text.encode())
    return [(row.image, row.tag, row.value, row.line) for row in read_labels(path)]


@pytest.mark.parametrize("yes", ["yes", "YES", "true", "True", "1", "1.0", "是", " y "])
@pytest.mark.parametrize("no", ["no", "No", "FALSE", "0", "0.0", "否"])
def test_yes_and_no_in_many_words(tmp_path: Path, yes: str, no: str) -> None:
    """Labels are words or figures, in any case."""
    actual = said(tmp_path / "l.csv", f"image,tag,label\na.jpg,cat,{yes}\na.jpg,狗,{no}\n")
    assert actual == [("a.jpg", "cat", True, 2), ("a.jpg", "狗", False, 3)]


@pytest.mark.parametrize(
    "text",
    [
        "image,tag,label\na.jpg,cat,yes\na.jpg,big dog,yes\nb/ü.jpg,cat,no\n",
        "\ufeffTag;Label;Image\r\ncat;1;a.jpg\r\nbig dog;1;a.jpg\r\ncat;0;b/ü.jpg\r\n",
        (
            "image,tag,label,source,who,at\na.jpg,cat,yes,person,ann,2024-05-31\n"
            "a.jpg,big dog,yes,,,\nb/ü.jpg,cat,no,file\n"
        ),
        "image,yes,no\na.jpg,cat|big dog,\nb/ü.jpg,,cat\n",
        "image\tno\tyes\tclear\na.jpg\t\tcat | big dog\nb/ü.jpg\tcat\t\t\n",
        "image,cat,big dog\na.jpg,1,1\nb/ü.jpg,0,\n",
        'big dog,"cat",image\n1.0,,a.jpg\n,1,a.jpg\n,0.0,"b/ü.jpg"\n',
    ],
)
def test_every_form_says_the_same(tmp_path: Path, text: str) -> None:
    """A line a label, lists of tags and a column a tag are read alike."""
    actual = {row[:3] for row in said(tmp_path / "l.csv", text)}
    expected = {("a.jpg", "cat", True), ("a.jpg", "big dog", True), ("b/ü.jpg", "cat", False)}
    assert actual == expected


def test_labels_can_be_taken_back(tmp_path: Path) -> None:
    """`clear` says nothing any more of a tag."""
    text = "image,tag,label\na.jpg,cat,clear\nb.jpg,cat,清除\n"
    assert said(tmp_path / "l.csv", text) == [("a.jpg", "cat", None, 2), ("b.jpg", "cat", None, 3)]
    text = "image,yes,clear\na.jpg,dog,cat\n"
    actual = said(tmp_path / "l.csv", text)
    assert actual == [("a.jpg", "dog", True, 2), ("a.jpg", "cat", None, 2)]


def test_lists_hold_any_tag(tmp_path: Path) -> None:
    r"""In a list, `\|` stands for a bar."""
    actual = said(tmp_path / "l.csv", 'image,yes\na.jpg,"a\\|b|c, d"\n')
    assert actual == [("a.jpg", "a|b", True, 2), ("a.jpg", "c, d", True, 2)]


def test_repeats_count_once(tmp_path: Path) -> None:
    """The same label said again, even in another spelling of the tag, is one label."""
    text = "image,tag,label\na.jpg,Cat,yes\na.jpg,cat,1\na.jpg,ＣＡＴ,true\n"
    assert said(tmp_path / "l.csv", text) == [("a.jpg", "Cat", True, 2)]


ERRORS = {
    "": "line 1: the file holds no labels",
    "a.jpg,cat,yes\n": "line 1, column 1: the first line names no column 'image'",
    "image\na.jpg\n": "line 1, column 1: there is no column beside 'image'",
    "image,tag\na.jpg,cat\n": "line 1, column 1: the first line names no column 'label'",
    "image,label\na.jpg,cat\n": "line 1, column 1: the first line names no column 'tag'",
    "image,tag,label,by\n": "line 1, column 4: there is no column 'by'",
    "image,yes,no,maybe\n": "line 1, column 4: there is no column 'maybe'",
    "image,cat,Cat\n": "line 1, column 3: there are two columns 'cat'",
    "image,cat,!dog\n": "line 1, column 3: name '!dog' begins with '!'",
    "image,tag,label\na.jpg,cat,\n": "line 2, column 3 (label): label '' is neither yes nor no",
    "image,tag,label\na.jpg,cat,ok\n": "line 2, column 3 (label): label 'ok' is neither",
    "image,tag,label\n,cat,yes\n": "line 2, column 1 (image): no picture is named",
    "image,tag,label\na.jpg,,yes\n": "line 2, column 2 (tag): a name is empty",
    "image,tag,label\na.jpg,cat,yes,x\n": "line 2, column 4: the cell 'x' belongs to no column",
    'image,tag,label\n"a\nb",cat,yes\nc,cat,2': "line 4, column 3 (label): label '2' is neither",
    "image,cat,dog\na.jpg,1,0\nb.jpg,,?\n": "line 3, column 3 (dog): label '?' is neither",
    "image,yes,no\na.jpg,cat|!x,\n": "line 2, column 2 (yes): name '!x' begins with '!'",
    'image,tag,label\na,"cat,yes\n': 'line 2, column 2: the quote " is never closed',
    "image,tag,label,source\na,cat,yes,robot\n": "line 2, column 4 (source): there is no source",
    "image,tag,label,at\na,cat,yes,today\n": "line 2, column 4 (at): 'today' is no time",
    "image,tag,label\na.jpg,cat,yes\nb.jpg,cat,no\na.jpg,CAT,no\n": (
        "line 4, column 3 (label): tag 'CAT' is 'no' for 'a.jpg' here and 'yes' in line 2."
    ),
    "image,yes,no\na.jpg,cat|dog,bird|cat\n": (
        "line 2, column 3 (no): tag 'cat' is 'no' for 'a.jpg' here and 'yes' in line 2."
    ),
    "image,cat\na.jpg,1\na.jpg,0\n": (
        "line 3, column 2 (cat): tag 'cat' is 'no' for 'a.jpg' here and 'yes' in line 2."
    ),
}


@pytest.mark.parametrize("text", ERRORS)
def test_errors_name_the_cell(tmp_path: Path, text: str) -> None:
    """A broken file is refused with file, line and column, contradictions with both lines."""
    path = tmp_path / "l.csv"
    with pytest.raises(InputError) as caught:
        said(path, text)
    actual = str(caught.value)
    assert actual.startswith(f"{path}, {ERRORS[text]}"), actual


def test_tags_must_be_utf8(tmp_path: Path) -> None:
    """A tag in another encoding is refused with its place."""
    path = tmp_path / "l.csv"
    path.write_bytes("image,tag,label\na.jpg,狗,yes\n".encode("gb18030"))
    with pytest.raises(InputError, match=r"line 2, column 2 \(tag\): name '\\udcb9"):
        read_labels(path)


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is told."""
    with pytest.raises(InputError, match="no such file"):
        read_labels(tmp_path / "none.csv")


def test_export_and_import(tmp_path: Path) -> None:
    """What is written is read back: who, when and from where; times are UTC."""
    path = tmp_path / "labels.csv"
    noon = datetime(2024, 5, 31, 12, 30, tzinfo=UTC)
    beijing = noon.astimezone(timezone(timedelta(hours=8)))
    odd = os.fsdecode(b'\xb9\xb7 ; ",\n.jpg ')  # a name that is not UTF-8
    labels = [
        Label(path=Path("a, b.jpg"), tag='猫 "x" | y', value=True, who="Ann, B.", at=beijing),
        Label(path=Path(odd), tag="cat", value=False, source="file", at=noon.replace(tzinfo=None)),
        Label(path=Path("c.jpg"), tag="cat", value=True, source="import"),
    ]
    write_labels(path, labels)
    assert read_labels(path) == [
        LabelRow(
            image="a, b.jpg",
            tag='猫 "x" | y',
            value=True,
            line=2,
            source="person",
            who="Ann, B.",
            at=noon,
        ),
        LabelRow(image=odd, tag="cat", value=False, line=3, source="file", at=noon),
        LabelRow(image="c.jpg", tag="cat", value=True, line=5, source="import"),
    ]


paths = st.text(st.characters(exclude_characters="\0/", codec="utf-8"), min_size=1)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(paths, st.booleans(), max_size=6))
def test_any_path_survives(given_labels: dict[str, bool]) -> None:
    """Whatever pictures are called, the file gives them back."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "labels.csv"
        write_labels(path, [Label(path=Path(p), tag="t", value=v) for p, v in given_labels.items()])
        actual = {row.image: row.value for row in read_labels(path)}
    assert actual == {str(Path(p)): v for p, v in given_labels.items()}
