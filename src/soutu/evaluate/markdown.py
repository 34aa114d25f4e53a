"""A report as Markdown, with its plots as SVG files beside it."""

from __future__ import annotations

from soutu.evaluate.html import made_rows
from soutu.evaluate.report import Gallery, Plot, Report, Section, Table


def text_and_plots(report: Report, *, stem: str) -> tuple[str, dict[str, str]]:
    """Return the text, and the SVG of each plot by the file name that the text links to."""
    plots: dict[str, str] = {}
    lines = [f"# {_text(report.title)}", ""]
    lines += [f"- {_text(line)}" for line in report.summary]
    for section in report.sections:
        lines += _section(section, plots, stem)
    lines += ["", "## How this was made", ""]
    lines += [f"- {name}: {_code(value)}" for name, value in made_rows(report.made)]
    return "\n".join(lines) + "\n", plots


def _section(section: Section, plots: dict[str, str], stem: str) -> list[str]:
    lines = ["", f"## {_text(section.title)}", ""]
    lines += [_text(line) for line in section.text]
    for part in section.parts:
        lines.append("")
        if isinstance(part, Table):
            lines += _table(part)
        elif isinstance(part, Plot):
            name = f"{stem}-{len(plots) + 1}.svg"
            plots[name] = part.svg
            lines.append(f"![{_text(part.title)}]({name.replace(' ', '%20')})")
        else:
            lines += _gallery(part)
    return lines


def _table(table: Table) -> list[str]:
    title = [f"### {_text(table.title)}", ""] if table.title else []
    rule = ["---:" if number in table.right else "---" for number in range(len(table.columns))]
    rows = [table.columns, tuple(rule), *table.rows]
    cells = [[_text(c) if row is not rows[1] else c for c in row] for row in rows]
    return title + [f"| {' | '.join(row)} |" for row in cells]


def _gallery(gallery: Gallery) -> list[str]:
    lines = [f"### {_text(gallery.title)}", ""]
    for heading, tiles in gallery.rows:
        shown = [f"{_code(tile.path.name)}: {_text('; '.join(tile.lines))}" for tile in tiles]
        lines += (
            [f"- {_text(heading)}", *(f"  - {line}" for line in shown)]
            if heading
            else [f"- {line}" for line in shown]
        )
    return lines


def _text(text: str) -> str:
    """Escape what Markdown would act on; line breaks become spaces."""
    flat = "".join(char if char.isprintable() else " " for char in text)
    for char in "\\`*_[]<|":
        flat = flat.replace(char, f"\\{char}")
    return flat


def _code(text: str) -> str:
    flat = "".join(char if char.isprintable() else " " for char in text)
    return f"`{flat.replace('`', chr(39))}`"
