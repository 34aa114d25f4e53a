"""Fetching models from a hub, from a small one on this machine."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import COMMIT, LARGE, Hub, files_of, serve
from onnx_models import transformers_folder

from soutu.errors import HubError, ModelError, StorageError
from soutu.models import hub as hub_module
from soutu.models.card import ModelCard
from soutu.models.hub import download, guess_layout, wanted_files
from soutu.types import Progress

CARD = ModelCard(
    name="m", title="m", layout="transformers", repository="owner/model", revision="main"
)
WEIGHTS = "onnx/vision_model.onnx_data"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Serve a small model with one large file, and without waits between retries."""
    folder = transformers_folder(tmp_path / "published")
    (folder / WEIGHTS).write_bytes(bytes(range(256)) * (LARGE // 100))
    (folder / "README.md").write_text("a model", "utf-8")
    (folder / "onnx/vision_model_quantized.onnx").write_bytes(b"other")
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with serve(Hub("owner/model", files_of(folder))) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


def test_only_the_needed_files_are_fetched(hub: Hub, tmp_path: Path) -> None:
    """Settings and fp32 graphs with their weights arrive as they are; the rest is left."""
    commit = download(CARD, tmp_path / "m")
    assert commit == COMMIT
    expected = {
        name: content
        for name, content in hub.files.items()
        if name not in ("README.md", "onnx/vision_model_quantized.onnx")
    }
    arrived = files_of(tmp_path / "m")
    assert arrived == expected


def test_progress_reaches_the_total(hub: Hub, tmp_path: Path) -> None:
    """Bytes are reported as they come, never going back, up to the whole."""
    seen: list[Progress] = []
    download(CARD, tmp_path / "m", on_progress=seen.append)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert {progress.stage for progress in seen} == {"download"}
    total = sum(path.stat().st_size for path in (tmp_path / "m").rglob("*") if path.is_file())
    assert (seen[-1].done, seen[-1].total) == (total, total)


def test_a_second_fetch_takes_nothing(hub: Hub, tmp_path: Path) -> None:
    """Files that are here are not fetched again."""
    download(CARD, tmp_path / "m")
    hub.requests.clear()
    download(CARD, tmp_path / "m")
    assert hub.fetched() == []


def test_a_cut_connection_is_taken_up_again(hub: Hub, tmp_path: Path) -> None:
    """A file goes on where it stopped, several times over, and is whole in the end."""
    hub.cuts = [10_000, 10_000]
    download(CARD, tmp_path / "m")
    ranges = [asked for name, asked in hub.requests if name == WEIGHTS]
    assert ranges == [None, "bytes=10000-", "bytes=20000-"]
    assert (tmp_path / "m" / WEIGHTS).read_bytes() == hub.files[WEIGHTS]


def test_an_interrupted_fetch_goes_on_next_time(hub: Hub, tmp_path: Path) -> None:
    """What arrived before the program ended is not asked for again."""

    def stop(progress: Progress) -> None:
        if progress.done > 25_000:
            raise KeyboardInterrupt

    hub.cuts = [12_000]
    with pytest.raises(KeyboardInterrupt):
        download(CARD, tmp_path / "m", on_progress=stop)
    hub.requests.clear()
    download(CARD, tmp_path / "m")
    [asked] = [asked for name, asked in hub.requests if name == WEIGHTS]
    assert asked is not None
    assert int(asked.removeprefix("bytes=").rstrip("-")) >= 12_000
    assert (tmp_path / "m" / WEIGHTS).read_bytes() == hub.files[WEIGHTS]


@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_a_damaged_file_is_not_kept(hub: Hub, tmp_path: Path, name: str) -> None:
    """A file whose hash is not the hub's is refused, and fetched afresh the next time."""
    hub.damaged = {name}
    with pytest.raises(HubError, match=rf"{name}.* arrived damaged"):
        download(CARD, tmp_path / "m")
    assert not (tmp_path / "m" / name).exists()
    hub.damaged = set()
    download(CARD, tmp_path / "m")
    assert (tmp_path / "m" / name).read_bytes() == hub.files[name]


@pytest.mark.parametrize(
    "card",
    [
        ModelCard(name="m", title="m", layout="transformers", repository="owner/other"),
        ModelCard(
            name="m", title="m", layout="transformers", repository="owner/model", revision="v9"
        ),
    ],
)
def test_what_the_hub_lacks_is_named(hub: Hub, tmp_path: Path, card: ModelCard) -> None:
    """An unknown repository or revision says what was wanted, from where, and what to do."""
    with pytest.raises(HubError) as caught:
        download(card, tmp_path / "m")
    says = str(caught.value)
    assert card.repository is not None
    assert all(part in says for part in (card.repository, card.revision, hub.address, "mini"))
    assert "local folder" in says


def test_no_server_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that cannot be reached says what was wanted, from where, and what to do."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(HubError, match=r"owner/model .*http://127\.0\.0\.1:1.*mini"):
        download(CARD, tmp_path / "m")


def test_a_server_that_goes_away_is_named(hub: Hub, tmp_path: Path) -> None:
    """A connection that is lost for good is an error, and what arrived stays for next time."""
    hub.cuts = [0] * 50
    with pytest.raises(HubError, match="cannot fetch owner/model"):
        download(CARD, tmp_path / "m")
    assert (tmp_path / "m/config.json").is_file()


@pytest.mark.parametrize("value", ["1", "true", "ON"])
def test_the_offline_switch_is_obeyed(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """HF_HUB_OFFLINE keeps the hub from being asked at all; an argument wins over it."""
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    with pytest.raises(HubError, match=r"switched off \(HF_HUB_OFFLINE\)"):
        download(CARD, tmp_path / "m")
    assert hub.requests == []
    assert download(CARD, tmp_path / "m", no_network=False) == COMMIT


def test_a_full_disk_is_no_hub_error(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No space left is said as such."""

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub_module._Counted, "write", refuse)
    with pytest.raises(StorageError, match="the disk is full while owner/model is fetched"):
        download(CARD, tmp_path / "m")


def test_a_place_that_cannot_be_written_is_no_hub_error(hub: Hub, tmp_path: Path) -> None:
    """The cause is the disk, and is said to be."""
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(StorageError, match="cannot be written"):
        download(CARD, tmp_path / "file")


TRANSFORMERS = [
    "config.json",
    "tokenizer.json",
    "vocab.json",
    "onnx/model.onnx",
    "onnx/model_quantized.onnx",
    "onnx/text_model.onnx",
    "onnx/text_model_int8.onnx",
    "onnx/vision_model.onnx",
    "onnx/vision_model_int8.onnx",
    "onnx/vision_model.onnx_data",
]
IMMICH = [
    "README.md",
    "config.json",
    "textual/model.onnx",
    "textual/model.armnn",
    "textual/fp16/model.armnn",
    "textual/tokenizer.json",
    "textual/vocab.json",
    "visual/model.onnx",
    "visual/Constant_2160_attr__value",
    "visual/preprocess_cfg.json",
    "visual/rknpu/rk3588/model.rknn",
]


def test_towers_of_their_own_are_preferred() -> None:
    """Where a repository has both kinds of graph, the combined one is not fetched too."""
    assert wanted_files(TRANSFORMERS, "transformers") == [
        "config.json",
        "tokenizer.json",
        "onnx/vision_model.onnx",
        "onnx/text_model.onnx",
        "onnx/vision_model.onnx_data",
    ]


def test_int8_can_be_fetched_alone() -> None:
    """For int8 the repository's quantised graphs come in place of the fp32 ones."""
    assert wanted_files(TRANSFORMERS, "transformers", "int8")[2:] == [
        "onnx/vision_model_int8.onnx",
        "onnx/text_model_int8.onnx",
    ]


def test_a_combined_graph_will_do() -> None:
    """Chinese-CLIP is published as one graph only."""
    names = ["onnx/model.onnx", "onnx/model_fp16.onnx", "tokenizer.json"]
    assert wanted_files(names, "transformers") == ["tokenizer.json", "onnx/model.onnx"]


def test_immich_files_for_other_engines_are_left() -> None:
    """Graphs with their nameless weights come, those of other engines do not."""
    assert wanted_files(IMMICH, "immich") == [
        "config.json",
        "textual/model.onnx",
        "textual/tokenizer.json",
        "visual/Constant_2160_attr__value",
        "visual/model.onnx",
        "visual/preprocess_cfg.json",
    ]


def test_a_repository_without_graphs_is_an_error() -> None:
    """What it holds is listed."""
    with pytest.raises(ModelError, match=r"holds model\.safetensors"):
        wanted_files(["model.safetensors"], "transformers")


def test_the_layout_is_told_from_the_names() -> None:
    """A repository outside the catalogue is recognised."""
    assert guess_layout(TRANSFORMERS) == "transformers"
    assert guess_layout(IMMICH) == "immich"
    assert guess_layout(["model.safetensors"]) is None
