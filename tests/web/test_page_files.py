"""The page's own files: whole, in both languages, and in need of nothing from elsewhere."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

import pytest

STATIC = Path(str(files("soutu.web") / "static"))
MODULES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js"))
FILES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file())
LANGUAGES = ("en", "zh")
Strings: TypeAlias = dict[str, str]

_IMPORT = re.compile(
    r"""^(?:import|export)\s[^;"']*?from\s"([^"]+)";|^import\s"([^"]+)";|\bimport\("([^"]+)"\)""",
    re.M,
)
_ENTRY = re.compile(
    r'^ {2}"(?P<key>[\w.-]+)":\s*'
    r'(?P<value>"(?:[^"\\]|\\.)*"|\{[^\n]*\}|\{.*?^ {2}\}),',
    re.M | re.S,
)
_COMMENT = re.compile(r"^\s*/\*.*?\*/|(?:^|(?<=\s))//[^\n]*", re.S | re.M)
_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_TEMPLATE = re.compile(r"`((?:[^`\\]|\\.)*)`")
_HOLE = re.compile(r"\$\{[^}]*\}")
_NAMED = re.compile(r"\{(\w+)\}")


def code(module: str) -> str:
    """Return a module's text without its comments."""
    return _COMMENT.sub("", (STATIC / module).read_text("utf-8"))


def is_strings(module: str) -> bool:
    return module.startswith("strings/")


def strings(language: str) -> Strings:
    """Return the texts of a language, as they are written, by their keys."""
    found: Strings = {}
    for path in sorted((STATIC / "strings" / language).glob("*.js")):
        for entry in _ENTRY.finditer(path.read_text("utf-8")):
            assert entry["key"] not in found, f"{language}: {entry['key']} is there twice"
            found[entry["key"]] = entry["value"]
    return found


def asked_keys() -> tuple[set[str], list[re.Pattern[str]]]:
    """Return the keys that the code names, and patterns of those that it puts together."""
    exact: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for module in MODULES:
        if is_strings(module):
            continue
        text = code(module)
        exact |= set(_LITERAL.findall(text))
        for template in _TEMPLATE.findall(text):
            if re.fullmatch(r"[\w-]+\.[\w.${}()!?:'\" -]*", template) and "${" in template:
                parts = [re.escape(part) for part in _HOLE.split(template)]
                patterns.append(re.compile(r"[\w.-]+".join(parts)))
    return exact, patterns


@pytest.mark.parametrize("module", MODULES)
def test_every_import_finds_its_file(module: str) -> None:
    here = STATIC / module
    for match in _IMPORT.finditer(code(module)):
        name = next(filter(None, match.groups()))
        assert name.startswith("."), f"{module} imports {name!r}, which no browser finds"
        assert (here.parent / name).resolve().is_file(), f"{module} imports {name}: no such file"


@pytest.mark.parametrize("module", MODULES)
def test_everything_imported_is_exported(module: str) -> None:
    wanted = re.findall(r'^import \{([^}]*)\} from "([^"]+)";', code(module), re.M)
    for names, source in wanted:
        other = ((STATIC / module).parent / source).resolve()
        exported = set(
            re.findall(r"^export (?:default )?(?:async )?(?:function\*?|class|const|let) (\w+)",
                       other.read_text("utf-8"), re.M)
        )  # fmt: skip
        for name in names.split(","):
            plain = name.split(" as ")[0].strip()
            assert not plain or plain in exported, f"{module}: {source} has no {plain}"


@pytest.mark.parametrize("module", MODULES)
def test_everything_imported_is_used(module: str) -> None:
    text = code(module)
    imports = re.findall(r'^import \{([^}]*)\} from "[^"]+";', text, re.M)
    rest = re.sub(r"^import [^;]*;", "", text, flags=re.M)
    for name in (each.split(" as ")[-1].strip() for names in imports for each in names.split(",")):
        assert not name or re.search(rf"\b{name}\b", rest), f"{module} never uses {name}"


def test_both_languages_say_the_same_things() -> None:
    en, zh = (strings(language) for language in LANGUAGES)
    assert sorted(en) == sorted(zh)
    for key, text in en.items():
        assert set(_NAMED.findall(text)) == set(_NAMED.findall(zh[key])), f"{key}: other names"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_of_strings_is_merged(language: str) -> None:
    merged = (STATIC / "strings" / f"{language}.js").read_text("utf-8")
    for path in (STATIC / "strings" / language).glob("*.js"):
        assert f'from "./{language}/{path.name}"' in merged, f"{path.name} is missing"
        assert f"...{path.stem}" in merged, f"{path.name} is not spread"


def test_every_text_that_is_asked_for_is_there() -> None:
    known = set(strings("en"))
    for module in MODULES:
        if not is_strings(module):
            for key in re.findall(r"\bt\(\s*\"([^\"]+)\"", code(module)):
                assert key in known, f"{module} asks for {key}"


def test_no_text_is_left_over() -> None:
    exact, patterns = asked_keys()
    unused = [
        key for key in strings("en")
        if key not in exact and not any(pattern.fullmatch(key) for pattern in patterns)
    ]  # fmt: skip
    assert not unused


def test_every_icon_that_is_asked_for_is_drawn() -> None:
    drawn = set(re.findall(r"^ {2}(\w+): \"", code("components/icon.js"), re.M))
    for module in MODULES:
        for name in re.findall(r"\bicon\(\"(\w+)\"\)|\bicon: \"(\w+)\"", code(module)):
            assert {*name} - {""} <= drawn, f"{module} asks for the icon {name}"


@pytest.mark.parametrize("name", FILES)
def test_nothing_comes_from_elsewhere(name: str) -> None:
    text = (STATIC / name).read_text("utf-8")
    names = re.findall(r"""["'(=](?:https?:)?//([\w.-]+)""", text)
    assert {*names} <= {"www.w3.org"}, "the page must work offline"  # names of XML, never loaded


def test_nothing_is_written_that_the_policy_forbids() -> None:
    for path in STATIC.rglob("*.html"):
        html = path.read_text("utf-8")
        assert not re.search(r"\son\w+\s*=", html), f"{path.name} has an inline handler"
        assert not re.search(r"\sstyle\s*=|<style", html), f"{path.name} has inline styles"
        for script in re.findall(r"<script([^>]*)>(.*?)</script>", html, re.S):
            assert "src=" in script[0], f"{path.name} has an inline script"
            assert not script[1].strip(), f"{path.name} has an inline script"
    for module in MODULES:
        text = code(module)
        for word in (r"innerHTML", r"outerHTML", r"insertAdjacentHTML", r"document\.write",
                     r"\beval\(", r"new Function", r"""setAttribute\(["']style"""):  # fmt: skip
            assert not re.search(word, text), f"{module} uses {word}"


def test_what_the_page_loads_first_is_there() -> None:
    html = (STATIC / "index.html").read_text("utf-8")
    for name in re.findall(r'(?:src|href)="/([^"]+)"', html):
        assert (STATIC / name).is_file(), f"index.html loads {name}: no such file"


@pytest.mark.parametrize("module", MODULES)
def test_files_stay_small(module: str) -> None:
    lines = (STATIC / module).read_text("utf-8").count("\n")
    assert lines < (400 if is_strings(module) else 300)
