"""A library in a folder: what indexing does to it and what searches find."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from painting import ColourEncoder, FakeStore, paint

from soutu.errors import (
    InputError,
    LibraryBroken,
    LibraryBusy,
    LibraryError,
    LibraryMissing,
    ModelError,
    QueryError,
)
from soutu.library.folder import FolderLibrary
from soutu.types import IndexReport, Progress, Query, Term, Vectors

OpenFolder = Callable[..., FolderLibrary]


def counts(report: IndexReport) -> dict[str, int]:
    """The non-zero counts of a report."""
    found = {
        key: getattr(report, key) for key in ("added", "updated", "moved", "removed", "skipped")
    }
    found["failed"] = len(report.failures)
    return {key: value for key, value in found.items() if value}


def names(library: FolderLibrary, query: str | Query, **options: object) -> list[str]:
    """File names of the hits, best first."""
    return [hit.path.name for hit in library.search(query, **options)]  # type: ignore[arg-type]


# --- indexing ---


def test_index_then_search(open_folder: OpenFolder, photos: Path) -> None:
    """The picture asked for comes first, with its metadata and a relevance between 0 and 1."""
    library = open_folder()
    assert counts(library.add([photos])) == {"added": 3}
    for colour in ("red", "green", "blue"):
        hits = library.search(colour)
        assert hits[0].path.stem == colour
        assert [0 <= hit.relevance <= 1 for hit in hits] == [True] * 3
        assert hits[0].relevance == max(hit.relevance for hit in hits)
        assert (hits[0].info.width, hits[0].info.format) == (16, "PNG")


def test_unchanged_files_are_neither_decoded_nor_encoded(
    open_folder: OpenFolder, photos: Path, store: FakeStore
) -> None:
    """A second run skips everything, without even loading the model."""
    open_folder().add([photos])
    loads = store.loads
    with open_folder(photos.parent / "other-library") as other:
        other.add([photos])
    fresh = open_folder(photos.parent / "other-library")
    loads = store.loads
    assert counts(fresh.add([photos])) == {"skipped": 3}
    assert store.loads == loads


def test_changed_file_is_updated(open_folder: OpenFolder, photos: Path) -> None:
    """New content at a known path replaces the vector and keeps the id."""
    library = open_folder()
    library.add([photos])
    before = {hit.path.name: hit.id for hit in library.search("red")}
    paint(photos / "red.png", "blue", seed=9)
    os.utime(photos / "red.png", ns=(1, 1))
    assert counts(library.add([photos])) == {"updated": 1, "skipped": 2}
    assert {hit.path.name: hit.id for hit in library.search("red")} == before
    assert set(names(library, "blue", k=2)) == {"red.png", "blue.png"}


def test_renamed_file_keeps_its_vector(
    open_folder: OpenFolder, photos: Path, store: FakeStore
) -> None:
    """A move is recognised by content: same id, nothing encoded."""
    library = open_folder()
    library.add([photos])
    [before] = [hit.id for hit in library.search("red", k=1)]
    encoded = store.encoders["colour"].calls
    (photos / "deep").mkdir()
    (photos / "red.png").rename(photos / "deep" / "rouge.png")
    assert counts(library.add([photos])) == {"moved": 1, "skipped": 2}
    [after] = library.search("red", k=1)
    assert (after.path, after.id) == (photos / "deep" / "rouge.png", before)
    assert library.search("red", where=f"folder = '{photos / 'deep'}'")[0].id == before
    assert store.encoders["colour"].calls == encoded


def test_copy_reuses_the_vector(open_folder: OpenFolder, photos: Path, store: FakeStore) -> None:
    """A copy is a picture of its own, found beside the original, and costs no encoding."""
    library = open_folder()
    library.add([photos])
    encoded = store.encoders["colour"].calls
    shutil.copy(photos / "red.png", photos / "copy.png")
    assert counts(library.add([photos])) == {"added": 1, "skipped": 3}
    assert set(names(library, "red", k=2)) == {"red.png", "copy.png"}
    assert store.encoders["colour"].calls == encoded


def test_two_files_that_swap_names(open_folder: OpenFolder, photos: Path) -> None:
    """Each path ends with the content that is there now."""
    library = open_folder()
    library.add([photos])
    (photos / "red.png").rename(photos / "t")
    (photos / "green.png").rename(photos / "red.png")
    (photos / "t").rename(photos / "green.png")
    for number, name in enumerate(("red.png", "green.png")):
        os.utime(photos / name, ns=(number + 1, number + 1))
    library.add([photos])
    assert names(library, "red", k=1) == ["green.png"]
    assert names(library, "green", k=1) == ["red.png"]
    assert library.status().images == 3


def test_vanished_files_are_removed_only_below_the_given_path(
    open_folder: OpenFolder, photos: Path
) -> None:
    """What was deleted elsewhere stays until its own folder is indexed."""
    library = open_folder()
    library.add([photos])
    (photos / "sub" / "blue.png").unlink()
    (photos / "red.png").unlink()
    paint(photos / "sub" / "white.png", "white")
    assert counts(library.add([photos / "sub"])) == {"added": 1, "removed": 1}
    assert library.status().images == 3
    assert counts(library.add([photos])) == {"removed": 1, "skipped": 2}


def test_bad_file_is_listed_once_and_again_without_decoding(
    open_folder: OpenFolder, photos: Path
) -> None:
    """A failure is reported with its reason in every run, and forgotten when the file is mended."""
    (photos / "bad.jpg").write_bytes(b"this is not a picture")
    library = open_folder()
    for expected in ({"added": 3, "failed": 1}, {"skipped": 3, "failed": 1}):
        report = library.add([photos])
        assert counts(report) == expected
        assert report.failures[0].path == photos / "bad.jpg"
        assert "not a picture" in report.failures[0].reason
    assert library.status().failures == report.failures
    paint(photos / "bad.jpg", "white")
    assert counts(library.add([photos])) == {"added": 1, "skipped": 3}
    assert library.status().failures == ()


def test_failure_of_a_vanished_file_is_forgotten(open_folder: OpenFolder, photos: Path) -> None:
    """Deleting a bad file ends its listing."""
    (photos / "bad.jpg").write_bytes(b"")
    library = open_folder()
    library.add([photos])
    (photos / "bad.jpg").unlink()
    library.add([photos])
    assert library.status().failures == ()


def test_picture_that_became_unreadable_is_dropped(open_folder: OpenFolder, photos: Path) -> None:
    """A picture whose file now holds garbage is no longer found, and listed as failed."""
    library = open_folder()
    library.add([photos])
    (photos / "red.png").write_bytes(b"garbage")
    assert counts(library.add([photos])) == {"skipped": 2, "failed": 1}
    assert "red.png" not in names(library, "red")


def test_empty_folder_that_held_pictures_is_refused(open_folder: OpenFolder, photos: Path) -> None:
    """An unmounted disk looks like an empty folder; nothing is forgotten because of it."""
    library = open_folder()
    library.add([photos])
    shutil.rmtree(photos)
    photos.mkdir()
    with pytest.raises(InputError, match=r"is empty, but the library holds 3 pictures.*mount it"):
        library.add([photos])
    assert library.status().images == 3
    assert library.remove([photos]) == 3
    assert library.status().images == 0


def test_missing_path_is_an_error_and_changes_nothing(
    open_folder: OpenFolder, photos: Path
) -> None:
    """A mistyped path stops the run before it starts."""
    library = open_folder()
    library.add([photos])
    with pytest.raises(InputError, match="nowhere"):
        library.add([photos, photos / "nowhere"])
    assert library.status().images == 3


def test_include_and_exclude(open_folder: OpenFolder, photos: Path) -> None:
    """Globs choose what is looked at; what an earlier run added stays."""
    library = open_folder()
    assert counts(library.add([photos], exclude=["sub/"])) == {"added": 2}
    assert counts(library.add([photos], include=["*.jpg"])) == {}
    assert library.status().images == 2


def test_library_inside_the_indexed_folder_is_left_out(
    open_folder: OpenFolder, photos: Path
) -> None:
    """The library's own files are no pictures of the user's."""
    library = open_folder(photos / ".soutu")
    paint(photos / ".soutu" / "thumbnails" / "t.png", "red")
    assert counts(library.add([photos])) == {"added": 3}


def test_stop_keeps_what_is_done_and_the_next_run_goes_on(
    open_folder: OpenFolder, tmp_path: Path
) -> None:
    """A stopped run reports it, removes nothing, and loses nothing."""
    for number in range(100):
        paint(tmp_path / "many" / f"{number:03}.png", (number, 0, 0), seed=number)
    library = open_folder()
    seen: list[Progress] = []
    report = library.add(
        [tmp_path / "many"],
        on_progress=seen.append,
        should_stop=lambda: any(p.done > 0 for p in seen),
    )
    assert report.interrupted
    assert 0 < report.added < 100
    after = library.add([tmp_path / "many"])
    assert (after.added, after.skipped) == (100 - report.added, report.added)
    assert library.status().spaces[0].vectors == 100


def test_progress_ends_at_the_total(open_folder: OpenFolder, photos: Path) -> None:
    """Progress counts every file once, failures included."""
    (photos / "bad.jpg").write_bytes(b"")
    seen: list[Progress] = []
    open_folder().add([photos], on_progress=seen.append)
    last = [p for p in seen if p.stage == "index"][-1]
    assert (last.done, last.total, last.failed) == (4, 4, 1)


# --- searching ---


def test_minus_and_weights(open_folder: OpenFolder, photos: Path) -> None:
    """A minus term moves its pictures to the end."""
    library = open_folder()
    paint(photos / "yellow.png", (255, 255, 0))
    paint(photos / "purple.png", (255, 0, 255))
    library.add([photos])
    assert names(library, "red", minus="blue")[-1] == "blue.png"
    heavy = Query(terms=(Term(text="red"), Term(text="blue", weight=3.0)))
    assert names(library, heavy, k=1) == ["blue.png"]


def test_search_by_picture_leaves_that_picture_out(open_folder: OpenFolder, photos: Path) -> None:
    """More like this: not this itself, but its copy."""
    library = open_folder()
    shutil.copy(photos / "red.png", photos / "copy.png")
    library.add([photos])
    hits = library.search(image=photos / "red.png")
    assert hits[0].path.name == "copy.png"
    assert hits[0].score == pytest.approx(1.0, abs=1e-4)
    assert "red.png" not in [hit.path.name for hit in hits]
    assert library.search(image=(photos / "red.png").read_bytes())[0].score == pytest.approx(
        1.0, abs=1e-4
    )


def test_filters_and_minimum(open_folder: OpenFolder, photos: Path) -> None:
    """WHERE and the least relevance both narrow the answer."""
    library = open_folder()
    paint(photos / "large.png", "red", size=64)
    library.add([photos])
    assert names(library, "red", where="width > 20") == ["large.png"]
    assert names(library, "red", where=f"folder = '{photos / 'sub'}'") == ["blue.png"]
    best = library.search("red")[0].relevance
    assert names(library, "red", min_relevance=best + 1e-6) == []
    assert len(library.search("red", k=2)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "the query is empty"),
        ({"query": "   "}, "the query is empty"),
        ({"query": Query()}, "the query is empty"),
        ({"query": Query(terms=(Term(text="a", weight=float("nan")),))}, "weight nan"),
        ({"query": Query(terms=(Term(),))}, "either words or a picture"),
        ({"query": "red", "minus": "red"}, "cancel out"),
        ({"query": "red", "where": "colour = 1"}, "one of the fields"),
        ({"image": Path("/nowhere.png")}, "cannot search by '/nowhere.png'"),
        ({"image": b"no picture"}, "cannot search by the uploaded picture"),
    ],
)
def test_bad_queries_are_explained(
    open_folder: OpenFolder, photos: Path, options: dict[str, object], message: str
) -> None:
    """A query that cannot be run says which part is wrong."""
    library = open_folder()
    library.add([photos])
    with pytest.raises(QueryError, match=message):
        library.search(**options)  # type: ignore[arg-type]


def test_answers_are_cached_until_the_library_changes(
    open_folder: OpenFolder, photos: Path, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same question twice encodes once; a new picture is found at once."""
    library = open_folder()
    library.add([photos])
    encoder = store.encoders["colour"]
    asked: list[str] = []
    real = encoder.encode_texts

    def noted(texts: Sequence[str]) -> Vectors:
        asked.extend(texts)
        return real(texts)

    monkeypatch.setattr(encoder, "encode_texts", noted)
    library.search("red")
    library.search("red", min_relevance=0.5)
    assert asked == ["red"]
    paint(photos / "rouge.png", "red", seed=5)
    library.add([photos])
    assert set(names(library, "red", k=2)) == {"red.png", "rouge.png"}


def test_empty_library_has_no_hits(open_folder: OpenFolder) -> None:
    """A library without pictures answers with nothing."""
    assert open_folder().search("red") == []


# --- models ---


def test_switch_of_models(open_folder: OpenFolder, photos: Path) -> None:
    """The new space is filled, then answers; the old one stays until it is dropped."""
    library = open_folder()
    library.add([photos])
    library.close()
    library = open_folder(model=None)
    status = library.use_model("other")
    assert (status.model, status.vectors, status.current) == ("other", 3, True)
    assert names(library, "red", k=1) == ["red.png"]
    assert [(s.model, s.current) for s in library.status().spaces] == [
        ("colour", False),
        ("other", True),
    ]
    library.drop_space("colour")
    assert [s.model for s in library.status().spaces] == ["other"]
    with pytest.raises(ModelError, match="is the model in use"):
        library.drop_space("other")


def test_searches_during_a_switch_are_answered_from_the_old_space(
    open_folder: OpenFolder, photos: Path
) -> None:
    """Another reader finds pictures while the new space is being filled."""
    library = open_folder()
    library.add([photos])
    library.close()
    writer = open_folder(model=None)
    answers: list[str] = []

    def search_meanwhile(_: Progress) -> None:
        with open_folder(model=None) as reader:
            answers.extend(names(reader, "red", k=1))

    writer.use_model("other", on_progress=search_meanwhile)
    assert answers
    assert set(answers) == {"red.png"}


def test_interrupted_switch_goes_on_and_keeps_the_old_space_in_use(
    open_folder: OpenFolder, tmp_path: Path, store: FakeStore
) -> None:
    """Nothing is encoded twice; the switch happens only when the space is complete."""
    for number in range(100):
        paint(tmp_path / "many" / f"{number}.png", (number, 0, 0), seed=number)
    library = open_folder()
    library.add([tmp_path / "many"])
    library.close()
    library = open_folder(model=None)
    seen: list[Progress] = []
    status = library.use_model("other", on_progress=seen.append, should_stop=lambda: bool(seen))
    assert not status.current
    assert 0 < (status.vectors or 0) < 100
    assert library.status().spaces[0].current
    assert library.use_model("other").vectors == 100
    assert store.encoders["other"].calls == 100


def test_changes_made_meanwhile_reach_a_space_that_is_used_again(
    open_folder: OpenFolder, photos: Path
) -> None:
    """Going back to an old space encodes what changed and drops what was removed."""
    library = open_folder()
    library.add([photos])
    library.close()
    library = open_folder(model=None)
    library.use_model("other")
    paint(photos / "red.png", "white", seed=3)
    (photos / "green.png").unlink()
    paint(photos / "pink.png", (255, 128, 128))
    library.add([photos])
    assert library.use_model("colour").vectors == 3
    assert names(library, "white", k=1) == ["red.png"]
    assert "green.png" not in names(library, "green")


def test_wrong_model_for_the_library(open_folder: OpenFolder, photos: Path) -> None:
    """The error names both models and the command that switches."""
    open_folder().add([photos])
    with pytest.raises(ModelError, match=r"8-d vectors of colour, not of other.*models use other"):
        open_folder(model="other").add([photos])


def test_changed_weights_are_noticed(
    open_folder: OpenFolder, photos: Path, store: FakeStore
) -> None:
    """Vectors of two revisions are never compared."""
    with open_folder() as library:
        library.add([photos])
    store.encoders["colour"] = ColourEncoder(revision="r9")
    library = open_folder(model=None)
    with pytest.raises(ModelError, match=r"has changed since.*models use colour"):
        library.search("red")
    library.use_model("colour")
    assert names(library, "red", k=1) == ["red.png"]


# --- places and locks ---


def test_no_library_there(open_folder: OpenFolder, tmp_path: Path) -> None:
    """Searching where nothing was indexed says how to start."""
    with pytest.raises(LibraryMissing, match="soutu index FOLDER"):
        open_folder(tmp_path / "none", create=False)


def test_a_folder_with_other_files_does_not_become_a_library(
    open_folder: OpenFolder, photos: Path
) -> None:
    """Naming the photo folder itself as the library is refused."""
    with pytest.raises(LibraryError, match="has other files in it"):
        open_folder(photos)
    with pytest.raises(LibraryError, match="is a file"):
        open_folder(photos / "red.png")


def test_a_second_writer_is_refused_with_the_pid(open_folder: OpenFolder, photos: Path) -> None:
    """Two runs never change a library at once."""
    first, second = open_folder(), open_folder()
    seen: list[str] = []

    def try_meanwhile(_: Progress) -> None:
        with pytest.raises(LibraryBusy, match=f"in use by process {os.getpid()} .soutu index"):
            second.add([photos])
        seen.append("refused")

    first.add([photos], on_progress=try_meanwhile)
    assert seen


def test_status_while_another_process_indexes(open_folder: OpenFolder, photos: Path) -> None:
    """What SQL knows is told; the vectors are not waited for."""
    first, second = open_folder(), open_folder()
    seen: list[int | None] = []

    def look_meanwhile(_: Progress) -> None:
        seen.extend(space.vectors for space in second.status().spaces)

    first.add([photos], on_progress=look_meanwhile)
    assert set(seen) == {None}


def test_damaged_vectors_are_rebuilt_as_the_error_says(
    open_folder: OpenFolder, photos: Path
) -> None:
    """Garbage in the index is named; without its folder, indexing again encodes everything."""
    with open_folder() as library:
        library.add([photos])
    [vectors] = photos.parent.glob("library/spaces/*/vectors")
    (vectors / "edge_config.json").write_text("{")
    with pytest.raises(LibraryBroken, match=r"is damaged.*Delete that folder and index"):
        open_folder().search("red")
    shutil.rmtree(vectors)
    library = open_folder()
    assert counts(library.add([photos])) == {"skipped": 3}
    assert names(library, "red", k=1) == ["red.png"]
    assert library.status().spaces[0].vectors == 3


def test_close_twice(open_folder: OpenFolder, photos: Path) -> None:
    """Closing a closed library does nothing."""
    library = open_folder()
    library.add([photos])
    library.close()
    library.close()
