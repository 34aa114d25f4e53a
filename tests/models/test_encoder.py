"""The encoder over graphs of every published shape."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import (
    CONTEXT,
    DIM,
    SIZE,
    ImageGraph,
    TextGraph,
    expected_images,
    expected_text,
    image_weights,
    immich_folder,
    pictures,
    transformers_folder,
    transformers_settings,
    write_image_graph,
    write_json,
)

from soutu.errors import ModelError
from soutu.models.encoder import DualEncoder
from soutu.models.entry import folder_card
from soutu.models.layout import read

A_CAT = (2, 4, 5, 3)
"""[CLS] a cat [SEP]."""


def open_folder(folder: Path, *, threads: int = 1) -> DualEncoder:
    """Open a folder as the store does, without a store."""
    files = read(folder, folder_card(folder))
    return DualEncoder(files, name="test", revision="r", precision="fp32", threads=threads)


def test_transformers_graphs_give_unit_vectors(tmp_path: Path) -> None:
    """Pictures are normalised as the settings say, and vectors scaled to length one."""
    encoder = open_folder(transformers_folder(tmp_path / "m"))
    pixels = pictures(5)
    np.testing.assert_allclose(encoder.encode_images(pixels), expected_images(pixels), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(["a cat"])[0], expected_text(A_CAT), atol=1e-5)


def test_immich_graphs_run_one_by_one(tmp_path: Path) -> None:
    """Graphs with a fixed batch of one, normalised inside, take batches all the same."""
    encoder = open_folder(immich_folder(tmp_path / "m"))
    pixels = pictures(3)
    np.testing.assert_allclose(encoder.encode_images(pixels), expected_images(pixels), atol=1e-5)
    padded = [*A_CAT, *[0] * (CONTEXT - len(A_CAT))]
    texts = encoder.encode_texts(["a cat", "the dog", "a cat"])
    np.testing.assert_allclose(texts[0], expected_text(padded), atol=1e-5)
    np.testing.assert_array_equal(texts[0], texts[2])


def test_a_fixed_batch_above_one_is_filled_up(tmp_path: Path) -> None:
    """A batch that the number of pictures does not divide loses and adds none."""
    encoder = open_folder(transformers_folder(tmp_path / "m", ImageGraph(batch=4)))
    pixels = pictures(6)
    np.testing.assert_allclose(encoder.encode_images(pixels), expected_images(pixels), atol=1e-5)


def test_m_clip_takes_a_mask(tmp_path: Path) -> None:
    """An Immich text graph with ids and mask in int32 gives what the unpadded text gives."""
    text = TextGraph(type=TensorProto.INT32, output="embedding", length=CONTEXT, mask=True)
    encoder = open_folder(immich_folder(tmp_path / "m", text=text))
    np.testing.assert_allclose(encoder.encode_texts(["a cat"])[0], expected_text(A_CAT), atol=1e-5)


def test_masked_texts_do_not_depend_on_their_batch(tmp_path: Path) -> None:
    """Padding to the longest of a batch changes nothing where there is a mask."""
    text = TextGraph(mask=True, types=True)
    encoder = open_folder(transformers_folder(tmp_path / "m", text=text, kind="chinese_clip"))
    among = encoder.encode_texts(["a cat", "the dog on the mat"])
    np.testing.assert_allclose(among[0], expected_text(A_CAT), atol=1e-5)


def test_fp16_inputs_are_fed_fp16(tmp_path: Path) -> None:
    """A graph with a half-precision input gives the same vectors, nearly."""
    encoder = open_folder(transformers_folder(tmp_path / "m", ImageGraph(type=TensorProto.FLOAT16)))
    pixels = pictures(2)
    np.testing.assert_allclose(encoder.encode_images(pixels), expected_images(pixels), atol=2e-3)


@pytest.mark.parametrize("channels_last", [False, True])
def test_graphs_that_take_bytes_get_bytes(tmp_path: Path, *, channels_last: bool) -> None:
    """A uint8 input gets the pixels as they are, in the graph's own order of axes."""
    graph = ImageGraph(type=TensorProto.UINT8, channels_last=channels_last)
    encoder = open_folder(transformers_folder(tmp_path / "m", graph))
    pixels = pictures(2)
    expected = expected_images(pixels, raw=True)
    np.testing.assert_allclose(encoder.encode_images(pixels), expected, atol=1e-5)


def test_the_projected_output_is_chosen_by_name(tmp_path: Path) -> None:
    """`image_embeds` wins over other outputs of the same shape, wherever it stands."""
    graph = ImageGraph(output="image_embeds", extra_outputs=("pooler_output", "other"))
    encoder = open_folder(transformers_folder(tmp_path / "m", graph))
    pixels = pictures(1)
    np.testing.assert_allclose(encoder.encode_images(pixels), expected_images(pixels), atol=1e-5)


def test_siglip_gives_its_pooler_output(tmp_path: Path) -> None:
    """Without projected outputs the pooled ones are the vectors."""
    image, text = ImageGraph(output="pooler_output"), TextGraph(output="pooler_output")
    encoder = open_folder(transformers_folder(tmp_path / "m", image, text, kind="siglip"))
    padded = [*A_CAT, *[0] * (CONTEXT - len(A_CAT))]
    np.testing.assert_allclose(encoder.encode_texts(["a cat"])[0], expected_text(padded), atol=1e-5)
    assert encoder.facts.dim == DIM


def test_outputs_that_cannot_be_told_apart_are_an_error(tmp_path: Path) -> None:
    """Two candidates with unknown names are listed, not guessed between."""
    graph = ImageGraph(output="one", extra_outputs=("two",))
    encoder = open_folder(transformers_folder(tmp_path / "m", graph))
    with pytest.raises(ModelError, match=r"outputs one, two; wanted image_embeds"):
        encoder.encode_images(pictures(1))


def write_combined(folder: Path) -> None:
    """Write one graph with both towers, as Chinese-CLIP is published."""
    write_image_graph(folder / "a.onnx")
    model = onnx.load(folder / "a.onnx")
    graph = model.graph
    table = numpy_helper.from_array(np.eye(12, DIM, dtype=np.float32), "table")
    graph.initializer.extend([table, numpy_helper.from_array(np.array([1], np.int64), "middle")])
    graph.input.append(helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["t", "l"]))
    graph.node.append(helper.make_node("Gather", ["table", "input_ids"], ["rows"]))
    graph.node.append(
        helper.make_node("ReduceSum", ["rows", "middle"], ["text_embeds"], keepdims=0)
    )
    graph.node.append(
        helper.make_node("Gemm", ["image_embeds", "text_embeds"], ["logits"], transB=1)
    )
    text_shape: list[str | int | None] = ["t", DIM]
    graph.output.extend(
        [
            helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, text_shape),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", "t"]),
        ]
    )
    onnx.save(model, folder / "model.onnx")
    (folder / "a.onnx").unlink()


def test_a_combined_graph_serves_both_towers(tmp_path: Path) -> None:
    """Pictures need no texts and texts no pictures, though one graph takes both."""
    (tmp_path / "m/onnx").mkdir(parents=True)
    write_combined(tmp_path / "m/onnx")
    transformers_settings(tmp_path / "m", kind="chinese_clip")
    encoder = open_folder(tmp_path / "m")
    pixels = pictures(3)
    np.testing.assert_allclose(encoder.encode_images(pixels), expected_images(pixels), atol=1e-5)
    assert encoder.encode_texts(["a", "cat"]).shape == (2, DIM)


def test_a_zero_vector_stays_zero(tmp_path: Path) -> None:
    """A row without direction is no error and becomes no NaN."""
    graph = ImageGraph(type=TensorProto.UINT8)
    encoder = open_folder(transformers_folder(tmp_path / "m", graph))
    vectors = encoder.encode_images(np.zeros((2, 3, SIZE, SIZE), np.uint8))
    np.testing.assert_array_equal(vectors, np.zeros((2, DIM), np.float32))


def test_values_that_are_no_numbers_are_an_error(tmp_path: Path) -> None:
    """A model that overflows is named as the cause."""
    weights = np.full((3 * SIZE * SIZE, DIM), np.inf, np.float32)
    encoder = open_folder(transformers_folder(tmp_path / "m", weights=weights))
    with pytest.raises(ModelError, match="no numbers for pictures"):
        encoder.encode_images(pictures(1))


def test_towers_of_different_dimensions_are_an_error(tmp_path: Path) -> None:
    """Graphs that do not belong together are found out."""
    folder = transformers_folder(tmp_path / "m", weights=image_weights(DIM + 1))
    with pytest.raises(ModelError, match="two towers may not belong together"):
        open_folder(folder).encode_images(pictures(1))


def test_pictures_of_another_size_are_an_error(tmp_path: Path) -> None:
    """The message gives both shapes."""
    encoder = open_folder(transformers_folder(tmp_path / "m"))
    with pytest.raises(ModelError, match=r"\(3, 8, 8\), got \(3, 9, 9\)"):
        encoder.encode_images(pictures(1, size=9))


def test_settings_and_graph_must_agree_on_the_size(tmp_path: Path) -> None:
    """A graph of another size than the picture settings is found when it is opened."""
    folder = transformers_folder(tmp_path / "m")
    write_json(folder / "preprocessor_config.json", {"size": {"height": 9, "width": 9}})
    with pytest.raises(ModelError, match=r"takes pictures of \(8, 8\) pixels"):
        open_folder(folder).encode_images(pictures(1, size=9))


def test_nothing_in_nothing_out(tmp_path: Path) -> None:
    """Empty batches give empty vectors of the right shape."""
    encoder = open_folder(transformers_folder(tmp_path / "m"))
    assert encoder.encode_images(pictures(0)).shape == (0, DIM)
    assert encoder.encode_texts([]).shape == (0, DIM)


def test_many_texts_are_encoded_in_batches(tmp_path: Path) -> None:
    """Order is kept over more texts than one batch holds."""
    encoder = open_folder(transformers_folder(tmp_path / "m", text=TextGraph(mask=True)))
    texts = ["a cat", "the dog"] * 70
    vectors = encoder.encode_texts(texts)
    np.testing.assert_allclose(vectors, np.tile(encoder.encode_texts(texts[:2]), (70, 1)))


def test_threads_share_an_encoder(tmp_path: Path) -> None:
    """Eight threads that start on a cold encoder at once all get the right vectors."""
    encoder = open_folder(transformers_folder(tmp_path / "m"))
    pixels = pictures(4)
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(encoder.encode_images, [pixels] * 16))
        texts = list(pool.map(encoder.encode_texts, [["a cat"]] * 16))
    for vectors in images:
        np.testing.assert_allclose(vectors, expected_images(pixels), atol=1e-5)
    for vectors in texts:
        np.testing.assert_allclose(vectors[0], expected_text(A_CAT), atol=1e-5)


def test_a_closed_encoder_opens_again(tmp_path: Path) -> None:
    """Closing frees the towers; another call is still answered."""
    encoder = open_folder(transformers_folder(tmp_path / "m"))
    before = encoder.encode_texts(["a cat"])
    encoder.close()
    np.testing.assert_array_equal(encoder.encode_texts(["a cat"]), before)


def test_a_broken_graph_is_an_error(tmp_path: Path) -> None:
    """A file that is no ONNX model is named."""
    folder = transformers_folder(tmp_path / "m")
    (folder / "onnx/vision_model.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"vision_model\.onnx cannot be opened"):
        open_folder(folder).encode_images(pictures(1))


def test_a_graph_without_picture_input_is_an_error(tmp_path: Path) -> None:
    """The inputs that are there are listed."""
    folder = transformers_folder(tmp_path / "m", ImageGraph(input="stuff"))
    with pytest.raises(ModelError, match="has the inputs stuff; none is a picture input"):
        open_folder(folder).encode_images(pictures(1))
