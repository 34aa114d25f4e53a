"""Labels: what people said of pictures. Pictures are named by id, in lists by path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from soutu.errors import InputError
from soutu.files.tables import write_row
from soutu.files.text import replace_text
from soutu.types import Change, ImportReport, Label
from soutu.web.answers import Answer
from soutu.web.api.images import found
from soutu.web.bodies import body_of, file_form, read_body
from soutu.web.imports import kept, safe_name, uploaded
from soutu.web.schemas import Name
from soutu.web.schemas_tags import Changed, LabelIn, LabelsIn, RowsIn, UndoLabelIn
from soutu.web.server import Here, Server
from soutu.web.streams import download
from soutu.wire import from_json

router = APIRouter(prefix="/api/labels", tags=["labels"])

_FILE_FORM = file_form("CSV: image,tag,label, or image,yes,no, or a column for each tag.")
_COLUMNS = ("image", "tag", "label", "source", "who", "at")
_WORDS = {True: "yes", False: "no", None: "clear"}
_OTHER_LINE = re.compile(r"(?<= in line )(\d+)(?=\. Take one of them out$)")


@router.get("", response_model=list[Label])
def list_labels(
    server: Here,
    picture: Annotated[int | None, Query(ge=1, le=2**53 - 1, description="Its id.")] = None,
    tag: Name | None = None,
) -> Answer:
    """List labels, of one picture or one tag or all, by path and tag.

    Each has the `id` of its picture, null where that is gone and its label waits for it.
    """
    if picture is not None:
        found(server, picture)
    return Answer(server.library.labels.all(picture=picture, tag=tag))


@router.post("", response_model=Changed)
def label(server: Here, asked: LabelIn) -> Answer:
    """Say which tags are right and wrong for a picture; `clear` takes back what was said."""
    found(server, asked.picture)
    changed = server.library.labels.set(
        asked.picture,
        yes=asked.yes,
        no=asked.no,
        clear=asked.clear,
        who=asked.who,
        source=asked.source,
    )
    return Answer({"changed": changed})


@router.post("/many", response_model=ImportReport, openapi_extra=body_of(LabelsIn, _FILE_FORM))
async def label_many(server: Here, request: Request) -> Answer:
    """Record many labels, all or none: a list, or a CSV file in a form."""
    async with read_body(request, LabelsIn) as (asked, files):
        return Answer(await run_in_threadpool(_labelled, server, asked, files))


def _labelled(server: Server, asked: LabelsIn, files: Sequence[UploadFile]) -> ImportReport:
    if (asked.labels is not None) == bool(files):
        raise InputError("send one of: a list (labels), a file")
    if files:
        with uploaded(files) as path:
            return server.library.labels.load(path, who=asked.who)
    labels = [from_json(Label, each) for each in asked.labels or []]
    for path in (*(each.path for each in labels), *(Path(path) for path, _ in asked.clear)):
        _require_absolute(path)
    return server.library.labels.set_many(
        labels, clear=asked.clear, who=asked.who, source=asked.source
    )


@router.post("/rows", response_model=ImportReport)
def label_rows(server: Here, asked: RowsIn) -> Answer:
    """Import the rows of a file that the client has read: all or none.

    What goes wrong is told with the `file` and the row's `line`.
    """
    rows = [_written(each) for each in asked.rows]
    lines: dict[int, int] = {}  # of the file that is written here -> of the client's
    line = 2
    for text, row in zip(rows, asked.rows, strict=True):
        lines[line] = row["line"] if isinstance(row.get("line"), int) else line
        line += len(re.findall(r"\r\n|\r|\n", text))

    def write(path: Path) -> None:
        replace_text(path, [write_row(_COLUMNS), *rows], foreign_bytes=True)

    name, shown = safe_name(asked.file), asked.shown or safe_name(asked.file)
    try:
        with kept(name, write, shown=shown) as path:
            return Answer(server.library.labels.load(path, who=asked.who))
    except InputError as error:
        told = str(error)
        for place in (re.compile(rf"(?<=^{re.escape(shown)}, line )(\d+)"), _OTHER_LINE):
            told = place.sub(lambda each: str(lines.get(int(each[1]), each[1])), told)
        raise type(error)(told) from None


def _written(row: Mapping[str, Any]) -> str:
    """Return a row as CSV. Raises InputError for one of the wrong shape."""
    value = row.get("value")
    texts = [row.get("path"), row.get("tag"), *((row.get(each) or "") for each in _COLUMNS[3:])]
    if not (value is None or isinstance(value, bool)) or not all(
        isinstance(each, str) for each in texts
    ):
        msg = (
            f"this is no row of labels: {row!r:.80}. Write path, tag, value (true, false or null) "
            "and, where known, source, who, at and line"
        )
        raise InputError(msg)
    _require_absolute(Path(str(texts[0])))
    return write_row([*map(str, texts[:2]), _WORDS[value], *map(str, texts[2:])])


def _require_absolute(path: Path) -> None:
    if not path.is_absolute():
        raise InputError(f"the path {str(path)!r} is not absolute")


@router.get("/export", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def export_labels(server: Here) -> Response:
    """Export all labels as a CSV file."""
    return download("labels.csv", "text/csv; charset=utf-8", server.library.labels.save)


@router.post("/undo", response_model=Change)
def undo(server: Here, asked: UndoLabelIn | None = None) -> Answer:
    """Take the last labelling back, or the last one of a picture and a tag."""
    asked = asked or UndoLabelIn()
    if (asked.picture is None) != (asked.tag is None):
        raise InputError("picture and tag go together: name both, or neither")
    of = None
    if asked.picture is not None and asked.tag is not None:
        found(server, asked.picture)
        of = (asked.picture, asked.tag)
    return Answer(server.library.labels.undo(of, who=asked.who))
