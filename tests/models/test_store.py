"""Adding, listing, loading and removing models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hub_server import COMMIT, Hub, files_of, serve
from onnx_models import (
    DIM,
    MEAN,
    expected_images,
    immich_folder,
    pictures,
    transformers_folder,
    write_json,
)

from soutu.errors import HubError, ModelError
from soutu.models import ModelStore, load_mini
from soutu.models.card import catalogue


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """Open an empty store."""
    return ModelStore(tmp_path / "home")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a model under the repository name of the catalogue's first CLIP."""
    repository = catalogue()["clip-vit-b-32"].repository
    assert repository is not None
    files = files_of(transformers_folder(tmp_path / "published"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with serve(Hub(repository, files)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


def test_an_empty_store_lists_the_catalogue(store: ModelStore) -> None:
    """The bundled model is here, the others are known but not here."""
    entries = {entry.name: entry for entry in store.list()}
    assert list(entries) == list(catalogue())
    assert entries["mini"].present
    assert entries["mini"].origin == "bundled"
    assert entries["mini"].size is not None
    assert 10**7 < entries["mini"].size < 2 * 10**7
    clip = entries["clip-vit-b-32"]
    assert (clip.present, clip.origin, clip.size) == (False, "catalogue", 606_000_000)


def test_a_folder_is_added_where_it_is(store: ModelStore, tmp_path: Path) -> None:
    """An added folder is loaded by its name, and stays when the model is removed."""
    folder = transformers_folder(tmp_path / "My Model")
    entry = store.add(folder)
    assert (entry.name, entry.folder, entry.origin) == ("my-model", folder, "folder")
    assert "my-model" in [known.name for known in store.list()]
    encoder = store.load("my-model")
    pixels = pictures(2)
    np.testing.assert_allclose(encoder.encode_images(pixels), expected_images(pixels), atol=1e-5)
    store.remove("my-model")
    assert "my-model" not in [known.name for known in store.list()]
    assert (folder / "onnx/vision_model.onnx").is_file()


def test_a_folder_can_be_named(store: ModelStore, tmp_path: Path) -> None:
    """Two folders of one name go by names of their own."""
    store.add(immich_folder(tmp_path / "a/model"))
    with pytest.raises(ModelError, match="another model 'model' already"):
        store.add(immich_folder(tmp_path / "b/model"))
    assert store.add(tmp_path / "b/model", name="second").name == "second"
    assert store.add(tmp_path / "b/model", name="second").folder == tmp_path / "b/model"


def test_a_folder_loads_without_being_added(store: ModelStore, tmp_path: Path) -> None:
    """A path will do in place of a name."""
    encoder = store.load(immich_folder(tmp_path / "m"))
    assert encoder.facts.name == "m"
    assert encoder.facts.dim == DIM
    assert encoder.facts.precision == "fp32"


def test_a_bad_name_is_an_error(store: ModelStore, tmp_path: Path) -> None:
    """A name that could be a path is refused."""
    with pytest.raises(ModelError, match=r"'\.\./x' cannot be a model's name"):
        store.add(immich_folder(tmp_path / "m"), name="../x")


def test_an_unknown_name_gives_near_matches(store: ModelStore) -> None:
    """A slip of the pen is helped; a wild guess gets the list."""
    with pytest.raises(ModelError, match=r"no folder 'clip-vit-b32'\. Did you mean clip-vit-b-32"):
        store.load("clip-vit-b32")
    with pytest.raises(ModelError, match=r"Known are mini, clip-vit-b-32"):
        store.info("zzz")
    with pytest.raises(ModelError, match="Did you mean"):
        store.add("siglip2")


def test_a_known_model_that_is_not_here_says_how_to_get_it(store: ModelStore) -> None:
    """The command is given."""
    with pytest.raises(ModelError, match="Run: soutu models add clip-vit-b-32"):
        store.load("clip-vit-b-32")
    with pytest.raises(ModelError, match="not on this disk; there is nothing to remove"):
        store.remove("clip-vit-b-32")


def test_mini_stays(store: ModelStore) -> None:
    """The bundled model can be added at will and never be removed."""
    assert store.add("mini").present
    with pytest.raises(ModelError, match="part of soutu"):
        store.remove("mini")


def test_mini_comes_in_int8_only(store: ModelStore) -> None:
    """`auto` and `int8` are the same; `fp32` is an error that says so."""
    assert store.load("mini").facts == store.load("mini", precision="int8").facts
    assert store.load("mini").facts == load_mini().facts
    assert load_mini().facts.precision == "int8"
    with pytest.raises(ModelError, match="comes in int8 only"):
        store.load("mini", precision="fp32")


def test_a_model_is_fetched_by_name(hub: Hub, store: ModelStore) -> None:
    """A catalogue name is downloaded, loaded, and removed with its files."""
    entry = store.add("clip-vit-b-32", revision="main")
    assert (entry.present, entry.origin, entry.card.revision) == (True, "hub", COMMIT)
    assert store.info("clip-vit-b-32").title == "OpenAI CLIP ViT-B/32"
    assert entry.folder is not None
    assert not (entry.folder / ".parts").exists()
    store.remove("clip-vit-b-32")
    assert not entry.folder.exists()
    assert [e.present for e in store.list() if e.name == "clip-vit-b-32"] == [False]


def test_a_model_that_is_here_needs_no_hub(store: ModelStore, hub: Hub) -> None:
    """Adding it again asks nobody, unless a file is gone."""
    store.add("clip-vit-b-32", revision=COMMIT)
    hub.requests.clear()
    entry = store.add("clip-vit-b-32", revision=COMMIT, offline=True)
    assert entry.folder is not None
    assert hub.requests == []
    (entry.folder / "tokenizer.json").unlink()
    store.add("clip-vit-b-32", revision=COMMIT)
    assert hub.fetched() == ["tokenizer.json"]


def test_any_repository_can_be_fetched(store: ModelStore, hub: Hub) -> None:
    """A repository outside the catalogue is taken by its own name, its layout found out."""
    hub.repository = "Someone/My-CLIP"
    entry = store.add("Someone/My-CLIP")
    assert (entry.name, entry.card.layout) == ("my-clip", "transformers")
    assert store.load("my-clip").encode_texts(["a cat"]).shape == (1, DIM)


def test_a_repository_in_the_other_layout(store: ModelStore, hub: Hub, tmp_path: Path) -> None:
    """An Immich repository outside the catalogue is recognised."""
    hub.repository = "someone/immich-like"
    hub.files = files_of(immich_folder(tmp_path / "immich"))
    assert store.add("someone/immich-like").card.layout == "immich"


def test_a_failed_fetch_leaves_no_model(store: ModelStore, hub: Hub) -> None:
    """What did not arrive is not listed as here, and can be added again."""
    hub.damaged = {"config.json"}
    with pytest.raises(HubError):
        store.add("clip-vit-b-32", revision="main")
    assert [e.present for e in store.list() if e.name == "clip-vit-b-32"] == [False]
    hub.damaged = set()
    assert store.add("clip-vit-b-32", revision="main").present


def test_offline_is_passed_on(store: ModelStore, hub: Hub) -> None:
    """With the hub switched off nothing is asked."""
    with pytest.raises(HubError, match="switched off"):
        store.add("clip-vit-b-32", offline=True)
    assert hub.requests == []


def test_a_folder_that_vanished_is_an_error(store: ModelStore, tmp_path: Path) -> None:
    """An added folder that is gone is named when it is loaded, and can be removed."""
    folder = transformers_folder(tmp_path / "m")
    store.add(folder)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="there is no model folder"):
        store.load("m")
    store.remove("m")


def test_a_broken_record_hides_nothing_else(store: ModelStore, tmp_path: Path) -> None:
    """One damaged record is an error for its own model only."""
    store.add(transformers_folder(tmp_path / "good"))
    store.add(transformers_folder(tmp_path / "bad"))
    (tmp_path / "home/bad/model.json").write_text("{", "utf-8")
    assert store.load("good").facts.name == "good"
    assert store.load("mini").facts.name == "mini"
    with pytest.raises(ModelError, match=r"bad/model\.json cannot be read"):
        store.load("bad")


def test_the_revision_follows_what_shapes_the_vectors(store: ModelStore, tmp_path: Path) -> None:
    """Other weights, another tokenizer or other picture settings are another revision."""
    folder = transformers_folder(tmp_path / "m")

    def revision() -> str:
        return store.load(folder).facts.revision

    first = revision()
    assert revision() == first
    settings = json.loads((folder / "preprocessor_config.json").read_text("utf-8"))
    write_json(folder / "preprocessor_config.json", {**settings, "image_mean": [0.1, *MEAN[1:]]})
    second = revision()
    (folder / "tokenizer.json").write_text(
        (folder / "tokenizer.json").read_text("utf-8") + "\n", "utf-8"
    )
    third = revision()
    with (folder / "onnx/text_model.onnx").open("ab") as graph:
        graph.write(b"\x00")
    assert len({first, second, third, revision_or_none(store, folder)}) == 4


def revision_or_none(store: ModelStore, folder: Path) -> str | None:
    """Return the revision, or None where the graph cannot be opened any more."""
    try:
        return store.load(folder).facts.revision
    except ModelError:
        return None
