"""A report as one HTML page that needs nothing else: no network, no files beside it."""

from __future__ import annotations

import base64
import io
from html import escape

from soutu.errors import ImageError
from soutu.evaluate.report import Gallery, Made, Part, Plot, Report, Section, Table, Tile

SIDE = 128
"""Pixels of the longer side of the pictures shown."""
_QUALITY = 72

_CSS = """
:root{color-scheme:light dark;--bg:#fff;--ink:#1f2328;--dim:#59636e;--line:#d1d9e0;--soft:#f6f8fa;
--wrong:#cf222e;--right:#1a7f37}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--ink:#e6edf3;--dim:#9198a1;--line:#3d444d;
--soft:#161b22;--wrong:#ff7b72;--right:#3fb950}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0}
h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
p{margin:.4rem 0}
.summary{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.5rem .8rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.9rem;margin:.4rem 0;overflow-wrap:normal}
th,td{padding:.2rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
svg.sp{width:100%;max-width:34rem;height:auto;display:block}
.row{display:flex;flex-wrap:wrap;gap:.6rem;margin:.3rem 0 1rem}
figure{margin:0;width:8rem;font-size:.8rem;line-height:1.35}
figure img{width:100%;height:6rem;object-fit:cover;border-radius:4px;background:var(--soft);
border:2px solid transparent;display:block}
figure.wrong img{border-color:var(--wrong)}figure.right img{border-color:var(--right)}
figcaption{color:var(--dim)}figcaption b{color:var(--ink);font-weight:500}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem .8rem;font-size:.85rem}
dt{color:var(--dim)}dd{margin:0}code{font:.85em ui-monospace,monospace}
@media (max-width:30rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}figure{width:6.6rem}
figure img{height:5rem}}
"""


def page(report: Report) -> str:
    """Return a report as a whole page; pictures that cannot be read any more are left blank."""
    body = [
        f"<h1>{_text(report.title)}</h1>",
        f'<div class="summary">{"".join(f"<p>{_text(line)}</p>" for line in report.summary)}</div>',
        *(_section(section) for section in report.sections),
        f"<h2>How this was made</h2>{_made(report.made)}",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="generator" content="soutu">'
        f"<title>{_text(report.title)}</title><style>{_CSS}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def made_rows(made: Made) -> list[tuple[str, str]]:
    """Return how a report was made as names and values."""
    data = made.data
    rows = [("command", made.command), ("date", made.date), ("data", data.name)]
    rows += [("data digest", data.digest)]
    rows += [("digest of the pictures", data.content)] if data.content else []
    rows += [(name, f"{count:,}") for name, count in data.counts.items()]
    rows += [("note", note) for note in data.notes]
    rows += [
        ("model", f"{each.name}, {each.precision}, revision {each.revision}, {each.dim} dimensions")
        for each in made.models
    ]
    rows += [("seed", str(made.seed)), ("resamples", f"{made.resamples:,}")]
    rows += [("versions", ", ".join(f"{name} {number}" for name, number in made.versions.items()))]
    rows += [("machine", made.machine)]
    return rows


def _section(section: Section) -> str:
    text = "".join(f"<p>{_text(line)}</p>" for line in section.text)
    return f"<h2>{_text(section.title)}</h2>{text}{''.join(map(_part, section.parts))}"


def _part(part: Part) -> str:
    if isinstance(part, Table):
        return _table(part)
    if isinstance(part, Plot):
        return f"<h3>{_text(part.title)}</h3>{part.svg}"
    return _gallery(part)


def _table(table: Table) -> str:
    def row(cells: tuple[str, ...], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if number in table.right else ''}>{_text(cell)}</{tag}>"
            for number, cell in enumerate(cells)
        )

    title = f"<h3>{_text(table.title)}</h3>" if table.title else ""
    head = f"<thead><tr>{row(table.columns, 'th')}</tr></thead>"
    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in table.rows)
    return f'{title}<div class="scroll"><table>{head}<tbody>{body}</tbody></table></div>'


def _gallery(gallery: Gallery) -> str:
    rows = "".join(
        f"{f'<p>{_text(heading)}</p>' if heading else ''}"
        f'<div class="row">{"".join(map(_tile, tiles))}</div>'
        for heading, tiles in gallery.rows
    )
    return f"<h3>{_text(gallery.title)}</h3>{rows}"


def _tile(tile: Tile) -> str:
    mark = f' class="{tile.mark}"' if tile.mark in {"wrong", "right"} else ""
    name = _text(tile.path.name)
    lines = "<br>".join(map(_text, tile.lines))
    return (
        f'<figure{mark}><img src="{_inline(tile)}" alt="{name}" title="{name}" loading="lazy">'
        f"<figcaption>{lines}</figcaption></figure>"
    )


def _inline(tile: Tile) -> str:
    """Return a small copy of a picture as a data URI; an empty one if it cannot be read."""
    from PIL.Image import Resampling

    from soutu.images.decode import open_rgb, read

    try:
        image = open_rgb(read(tile.path).data, min_side=SIDE)
    except ImageError:
        return "data:,"
    image.thumbnail((SIDE * 2, SIDE), resample=Resampling.LANCZOS, reducing_gap=2.0)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, method=2)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode('ascii')}"


def _made(made: Made) -> str:
    rows = "".join(
        f"<dt>{_text(name)}</dt><dd>{f'<code>{_text(value)}</code>' if name in _CODE else _text(value)}</dd>"
        for name, value in made_rows(made)
    )
    return f"<dl>{rows}</dl>"


_CODE = frozenset({"command", "data digest", "digest of the pictures"})


def _text(text: str) -> str:
    """Escape a text; characters that no page may hold become a mark."""
    return escape("".join(c if c.isprintable() else "�" for c in text))
