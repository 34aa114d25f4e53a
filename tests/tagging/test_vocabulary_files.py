"""Vocabularies survive being files, and files that cannot be used say where and why."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soutu.errors import InputError, StorageError
from soutu.files.tables import join_values, split_values
from soutu.library.tagging.files import read_vocabulary, words, write_vocabulary
from soutu.library.tagging.names import check_name, name_key
from soutu.types import Tag

SUFFIXES = (".csv", ".json", ".toml")

ODD = [
    Tag(name='猫, "Katze" | кошка \\ \'; 🐈', aliases=("a|b", "\\", "|", "c\\|", "قطة", "猫")),
    Tag(
        name="= 1 + 1",
        prompts=(" {} with space ", "two\nlines", "two\r\nlines\r", 'a "quoted", one', "tab\t;"),
        parent="not in this file, \n".strip(),
        group="größe | ß",
    ),
    Tag(name="sep=;", threshold=0.0),
    Tag(name="name", threshold=1.0),
    Tag(name="aliases", threshold=1 / 3),
    Tag(name="#", parent="name", threshold=1e-7),
]


def failure(path: Path, data: str | bytes) -> str:
    """Return the message that reading such a file ends with, without the folder."""
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    with pytest.raises(InputError) as caught:
        read_vocabulary(path)
    return str(caught.value).replace(f"{path.parent}{os.sep}", "")


# --- Round trips. ---


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_field_survives(tmp_path: Path, suffix: str) -> None:
    """What is written is what is read: any script, delimiters, quotes and line breaks."""
    path = tmp_path / f"tags{suffix}"
    write_vocabulary(path, ODD)
    assert read_vocabulary(str(path)) == ODD


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_tags_survive_too(tmp_path: Path, suffix: str) -> None:
    """An empty vocabulary is one."""
    path = tmp_path / f"tags{suffix}"
    write_vocabulary(path, [])
    assert read_vocabulary(path) == []


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
prompts = st.text(
    st.one_of(st.characters(exclude_categories=("Cs", "Cc")), st.sampled_from('\r\n\t|\\",; ')),
    min_size=1,
    max_size=12,
).filter(lambda text: bool(text.strip()))


def usable(name: str) -> str | None:
    try:
        return check_name(name)
    except InputError:
        return None


names = texts.map(usable).filter(bool)


@st.composite
def vocabularies(draw: st.DrawFn) -> list[Tag]:
    unique = draw(st.lists(names, max_size=8, unique_by=lambda each: name_key(each or "")))
    tags = []
    while unique:
        name, *aliases = [unique.pop() for _ in range(min(len(unique), draw(st.integers(1, 3))))]
        tags.append(
            Tag(
                name=name or "",
                aliases=tuple(alias or "" for alias in aliases),
                prompts=tuple(draw(st.lists(prompts, max_size=2))),
                parent=draw(st.none() | st.just("a parent that is elsewhere")),
                group=draw(st.none() | names),
                threshold=draw(st.none() | st.floats(0, 1)),
            )
        )
    return tags


@settings(max_examples=60, deadline=None)
@given(vocabularies(), st.sampled_from(SUFFIXES))
def test_any_vocabulary_survives(tags: list[Tag], suffix: str) -> None:
    """Whatever the names and prompts are, the file gives them back."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"tags{suffix}"
        write_vocabulary(path, tags)
        assert read_vocabulary(path) == tags


@given(st.lists(prompts, max_size=4))
def test_any_values_share_a_cell(values: list[str]) -> None:
    """Several values of one CSV cell come apart as they went in."""
    assert split_values(join_values(values)) == values


# --- What people write. ---

CATS = [
    Tag(name="cat", aliases=("猫", "kitty"), threshold=0.25),
    Tag(name="tabby", parent="cat"),
]


@pytest.mark.parametrize(
    "text",
    [
        "name,aliases,parent,threshold\ncat,猫|kitty,,0.25\ntabby,,cat,\n",
        "\ufeffname,aliases,parent,threshold\r\ncat,猫|kitty,,0.25\r\ntabby,,cat\r\n",
        "name;aliases;parent;threshold\rcat;猫 | kitty;;0,25\rtabby;;cat;",
        "name\taliases\tparent\tthreshold\ncat\t猫|kitty|\t\t.25\n\n\t\t\t\ntabby\t\tcat",
        'sep=;\n"Name" ; Aliases;Parent;Threshold\n "cat"; "猫|kitty" ;"";25e-2\ntabby;;cat;\n',
        "threshold,parent,aliases,NAME,,\n0.25,,猫|kitty,cat,,\n,cat,,tabby\n",
    ],
    ids=["plain", "bom crlf", "semicolons", "tabs", "sep line", "any order"],
)
def test_csv_of_spreadsheets(tmp_path: Path, text: str) -> None:
    """Byte order marks, line ends, delimiters and empty cells of spreadsheets are understood."""
    path = tmp_path / "cats.CSV"
    path.write_bytes(text.encode())
    assert read_vocabulary(path) == CATS


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".csv", '\ufeffcat\n\n 狗 \r\n"a, b"\n'),
        (".json", '{"tags": ["cat", {"name": "狗"}, {"name": "a, b", "parent": null}]}'),
        (".json", '\ufeff["cat", "狗", "a, b"]'),
        (".toml", 'tag = [{name = "cat"}, {name = "狗"}, {name = "a, b"}]'),
        (".toml", '[[tag]]\nname = "cat"\n[[tag]]\nname = "狗"\n[[tag]]\nname = "a, b"\r\n'),
    ],
)
def test_names_alone(tmp_path: Path, suffix: str, text: str) -> None:
    """A list of names is a vocabulary."""
    path = tmp_path / f"names{suffix}"
    path.write_bytes(text.encode())
    assert read_vocabulary(path) == [Tag(name="cat"), Tag(name="狗"), Tag(name="a, b")]


# --- Errors. ---

CSV_ERRORS = {
    "name,parent\ncat,\n,cat\n": "line 3, column 1 (name): the tag has no name",
    'name,prompts\ncat,"two\n\nlines"\ndog,\n!x,': "line 6, column 1 (name): name '!x' begins",
    'prompts,name\n"two\nlines",cat\n"three\n\nlines",Cat': (
        "line 6, column 2 (name): the name 'Cat' is there already (line 2"
    ),
    "name,aliases\ncat,猫\nCAT ,": "line 3, column 1 (name): the name 'CAT' is there already",
    "name,aliases\ndog,狗\ncat,猫|狗": "line 3, column 2 (aliases): the name '狗' is there already",
    "name,aliases\ncat,Ｃat": "line 2, column 2 (aliases): the name 'Ｃat' is there already",
    "name,threshold\na,0.1\ncat,1.5": "line 3, column 2 (threshold): threshold 1.5 is no number",
    "name,threshold\ncat,high": "line 2, column 2 (threshold): threshold 'high' is no number",
    "name,threshold\ncat,nan": "line 2, column 2 (threshold): threshold nan is no number",
    "name,treshold\ncat,": "line 1, column 2: there is no column 'treshold'. Did you mean 'thr",
    "name,parent,name\n": "line 1, column 3: there are two columns 'name'",
    "name,parent\ncat,,x": "line 2, column 3: the cell 'x' belongs to no column",
    "cat\ndog,狗": "line 2, column 2: the cell '狗' belongs to no column. Make the first line",
    'name,parent\ncat,"a\nb\n': 'line 2, column 2: the quote " is never closed',
    'name,prompts\ncat,"a\n"b,\n': "line 2, column 2: there is text after the closing quote",
    "name\ncat\nd\x07g": "line 3, column 1 (name): name 'd\\x07g' holds the character U+0007",
    "alias\nfoo": "line 1, column 1: is 'alias' the header or a tag?",
    "Names\nfoo": "line 1, column 1: is 'Names' the header or a tag?",
    "标签\n猫": "line 1, column 1: is '标签' the header or a tag?",
    "name\nca\u200bt": "line 2, column 1 (name): name 'ca\\u200bt' holds the character U+200B",
    "name\nca\u202et": "line 2, column 1 (name): name 'ca\\u202et' holds the character U+202E",
    "name\nca\u200dt": "line 2, column 1 (name): name 'ca\\u200dt' holds the character U+200D",
    "name\n猫\u200c": "line 2, column 1 (name): name '猫\\u200c' holds the character U+200C",
    "name,parent\na,b\nb,c\nB c,\nc,a": (
        "line 2, column 2 (parent): the parents go round in a circle: a -> b -> c -> a"
    ),
    "name,aliases,parent\ncat,猫,猫": "line 2, column 3 (parent): the parents go round in a circle",
}


@pytest.mark.parametrize("name", ["می‌خواهم", "क्‍ष", "👨‍👩‍👧", "🏳️‍🌈"])
def test_joiners_that_scripts_need(name: str) -> None:
    """They show in how the letters beside them look, and hold emoji together."""
    assert check_name(name) == name


def test_a_tag_that_is_named_like_a_column(tmp_path: Path) -> None:
    """A header says that the line below it is no header."""
    path = tmp_path / "t.csv"
    path.write_text("name\nlabel\nparent\n")
    assert read_vocabulary(path) == [Tag(name="label"), Tag(name="parent")]


@pytest.mark.parametrize("text", CSV_ERRORS)
def test_csv_errors_name_the_cell(tmp_path: Path, text: str) -> None:
    """A broken CSV is refused with file, line and column."""
    assert failure(tmp_path / "t.csv", text).startswith(f"t.csv, {CSV_ERRORS[text]}")


JSON_ERRORS = {
    '{"tags": [\n  {"name": "cat",}\n]}': "t.json, line 2, column 1",  # 17 or 18 by version
    "": "t.json, line 1, column 1: this is no JSON",
    "{}": "t.json, line 1, column 1: there is no list 'tags'",
    '"cat"': "t.json, line 1, column 1: there is no list 'tags'",
    '{"tags": {}}': "t.json: the tags are no list",
    '{"tags": [], "tag": []}': "t.json: there is no key 'tag'. Did you mean 'tags'",
    '["cat", 5]': "t.json, tag 2: 5 is no tag",
    '["cat", {"parent": "cat"}]': "t.json, tag 2, name: the tag has no name",
    '[{"name": 5}]': "t.json, tag 1 (5), name: 5 is no text",
    '["a", " A"]': "t.json, tag 2 (' A'), name: the name 'A' is there already (tag 1 ('a')",
    '[{"name": "a", "aliases": "b"}]': "t.json, tag 1 ('a'), aliases: 'b' is no list",
    '[{"name": "a", "aliases": [" "]}]': "t.json, tag 1 ('a'), aliases: a name is empty",
    '[{"name": "a", "alias": "b"}]': "t.json, tag 1 ('a'): there is no key 'alias'. Did you mean",
    '[{"name": "a", "prompts": [""]}]': "t.json, tag 1 ('a'), prompts: prompt '' is no text",
    '[{"name": "a", "prompts": ["\\ud800"]}]': "t.json, tag 1 ('a'), prompts: prompt '\\ud800'",
    '[{"name": "\\ud800"}]': "t.json, tag 1 ('\\ud800'), name: name '\\ud800' holds the character",
    '[{"name": "a", "threshold": true}]': "t.json, tag 1 ('a'), threshold: threshold True is no",
    '[{"name": "a", "threshold": "0.5"}]': "t.json, tag 1 ('a'), threshold: threshold '0.5' is",
    '[{"name": "a", "parent": "A"}]': "t.json, tag 1 ('a'), parent: the parents go round in a c",
    "[" * 100_000: "t.json: this JSON holds no vocabulary",
}


@pytest.mark.parametrize("text", JSON_ERRORS, ids=range(len(JSON_ERRORS)))
def test_json_errors_name_the_place(tmp_path: Path, text: str) -> None:
    """Broken JSON is refused with line and column, a wrong value with the tag that has it."""
    assert failure(tmp_path / "t.json", text).startswith(JSON_ERRORS[text])


TOML_ERRORS = {
    '[[tag]]\nname = "cat\n': "t.toml, line 2, column 12: this is no TOML",
    '[[tag]]\nname = """cat': "t.toml, line 2, column 14: this is no TOML",
    'tags = ["cat"]': "t.toml: there is no key 'tags'. Did you mean 'tag'?",
    '[[tag]]\nname = "a"\n[[tag]]\nparent = "a"': "t.toml, tag 2, name: the tag has no name",
    '[[tag]]\nname = "a"\nthreshold = -1': "t.toml, tag 1 ('a'), threshold: threshold -1 is no",
    '[tag]\nname = "a"': "t.toml: the tags are no list",
}


@pytest.mark.parametrize("text", TOML_ERRORS)
def test_toml_errors_name_the_place(tmp_path: Path, text: str) -> None:
    """Broken TOML is refused with line and column, a wrong value with the tag that has it."""
    assert failure(tmp_path / "t.toml", text).startswith(TOML_ERRORS[text])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_that_is_not_utf8(tmp_path: Path, suffix: str) -> None:
    """Another encoding is refused with the line and column of the first foreign byte."""
    message = failure(tmp_path / f"t{suffix}", "name\r\n猫\r\nß".encode() + b"\xc4\xd6")
    assert message.startswith(f"t{suffix}, line 3, column 2: the text is not UTF-8 (byte 0xC4)")


def test_utf16_is_named(tmp_path: Path) -> None:
    """The 'Unicode text' of a spreadsheet is told apart."""
    assert "UTF-16" in failure(tmp_path / "t.csv", "name\ncat".encode("utf-16"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder and an unknown suffix are told apart."""
    with pytest.raises(InputError, match="no such file"):
        read_vocabulary(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        read_vocabulary(tmp_path / "folder.csv")
    with pytest.raises(InputError, match=r"\.csv, \.json or \.toml, not '\.txt'"):
        read_vocabulary(tmp_path / "tags.txt")
    with pytest.raises(InputError, match=r"\.csv, \.json or \.toml, not ''"):
        write_vocabulary(tmp_path / "tags", [])


# --- Names. ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cat", "cat"),
        ("  big\t cat ", "Big Cat"),
        ("ＣＡＴ", "cat"),
        ("Straße", "STRASSE"),
        ("café", "cafe\u0301"),
        ("ﬁre", "FIRE"),
        ("ｶﾒﾗ", "カメラ"),
        ("黑\u3000猫", "黑 猫"),
    ],
)
def test_names_that_are_the_same(one: str, other: str) -> None:
    """Case, width, composition and white space make no difference."""
    assert name_key(one) == name_key(other)


@given(st.text(max_size=8))
def test_key_of_a_key_is_itself(name: str) -> None:
    """Comparing by keys is stable."""
    assert name_key(name_key(name)) == name_key(name)


@pytest.mark.parametrize(
    "name", ["", " \t", "!cat", "！cat", "a\nb", "a\x00", "\x7f.", "\ud800", "\u200b", "x" * 201]
)
def test_names_that_cannot_be_used(name: str) -> None:
    """Empty, unprintable and too long names, and those that mean 'not', are refused."""
    with pytest.raises(InputError, match="name"):
        check_name(name)


def test_names_are_tidied() -> None:
    """White space around a name goes, and within it becomes one space."""
    assert check_name(" big  \u3000cat ") == "big cat"


# --- Writing. ---


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk refuses, the old file stands and nothing is left beside it."""
    path = tmp_path / "tags.csv"
    write_vocabulary(path, CATS)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write_vocabulary(path, ODD)
    assert read_vocabulary(path) == CATS
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    """A name that is no text is refused before anything changes."""
    path = tmp_path / "tags.csv"
    write_vocabulary(path, CATS)
    with pytest.raises(InputError, match="no text"):
        write_vocabulary(path, [*ODD, Tag(name="\ud800")])
    assert read_vocabulary(path) == CATS
    assert list(tmp_path.iterdir()) == [path]


def test_links_and_permissions_stay(tmp_path: Path) -> None:
    """A file is replaced where it lies, with the permissions it had."""
    path, link = tmp_path / "tags.csv", tmp_path / "link.csv"
    write_vocabulary(path, CATS)
    path.chmod(0o640)
    link.symlink_to(path)
    write_vocabulary(link, ODD)
    assert link.is_symlink()
    assert read_vocabulary(path) == ODD
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    """A missing folder, or a folder in place of the file, is told."""
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write_vocabulary(tmp_path / "folder.csv", CATS)
    with pytest.raises(InputError, match="there is no folder"):
        write_vocabulary(tmp_path / "none" / "tags.csv", CATS)


def test_long_chains_of_parents(tmp_path: Path) -> None:
    """Parents may go up through thousands of tags."""
    tags = [Tag(name=f"t{n}", parent=f"t{n + 1}") for n in range(5000)]
    path = tmp_path / "tags.csv"
    write_vocabulary(path, tags)
    assert read_vocabulary(path) == tags


# --- The word list. ---


def test_words_are_many_and_each_once() -> None:
    """The word list names well over a thousand things, each once and tidily."""
    found = words()
    assert 1200 <= len(found) <= 1600
    assert [word for word in found if check_name(word) != word] == []
    assert len({name_key(word) for word in found}) == len(found)
