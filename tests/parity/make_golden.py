# mypy: ignore-errors
# The reference libraries are not installed where types are checked.
"""Write the models and golden values of the parity tests, or check soutu against the references.

Run by hand, in an environment of its own (see docs/models.md for what to install):

    python tests/parity/make_golden.py            writes tests/parity/golden/
    python tests/parity/make_golden.py --check    compares soutu live, prints figures, fails if off

`--check` also takes open_clip's real CLIP vocabulary, which is not ours to ship. It runs soutu
from this checkout, so onnxruntime, tokenizers and xxhash are needed too.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "src")]
warnings.filterwarnings("ignore")

import parity_reference as reference  # noqa: E402 - found beside this file
from parity_pictures import parity_pictures  # noqa: E402
from parity_strings import parity_strings  # noqa: E402
from parity_tokenizers import CONTEXT, as_transformers  # noqa: E402

LOWEST_COSINE = 0.9999
FURTHEST_PIXEL = 1.01


def main() -> int:
    """Write or check; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare soutu with the references")
    models = reference.references(parity_strings())
    if parser.parse_args().check:
        held = [check(model) for model in models]
        held.append(check_real_vocabulary())
        return 0 if all(held) else 1
    for model in models:
        write(model, HERE / "golden" / model.name)
    return 0


def write(model: reference.Reference, folder: Path) -> None:
    """Write a model folder and what its own library makes of the samples."""
    shutil.rmtree(folder, ignore_errors=True)
    model.write(folder)
    texts, samples = parity_strings(), parity_pictures()
    np.savez_compressed(
        folder / "golden.npz",
        tokens=model.tokens(texts).astype(np.int32),
        texts=model.texts(texts).astype(np.float32),
        pixels=model.pixels(samples).astype(np.float32),
        images=model.images(samples).astype(np.float32),
    )
    print(f"{model.name}: written to {folder}")


def check(model: reference.Reference) -> bool:
    """Compare soutu with a reference, live; print the figures and tell whether they hold."""
    from soutu.images.transform import apply, normalise
    from soutu.models.encoder import DualEncoder
    from soutu.models.entry import folder_card
    from soutu.models.layout import read
    from soutu.models.tokenizer import TextTokenizer

    texts, samples = parity_strings(), parity_pictures()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / model.name
        model.write(folder)
        files = read(folder, folder_card(folder))
        encoder = DualEncoder(files, name=model.name, revision="", precision="fp32")
        tokenizer = TextTokenizer(files.tokenizer, files.text_spec)
        tokens = tokenizer(texts, length=CONTEXT).ids
        pixels = np.stack([apply(sample, files.preprocess) for sample in samples])
        vectors = encoder.encode_texts(texts), encoder.encode_images(pixels)
    assert files.preprocess.std is not None
    std = np.array(files.preprocess.std)[:, None, None]
    off = np.abs(normalise(pixels, files.preprocess) - model.pixels(samples)) * std * 255
    same = (tokens == model.tokens(texts)).all(axis=1)
    text_cosines = (vectors[0] * model.texts(texts)).sum(axis=1)
    image_cosines = (vectors[1] * model.images(samples)).sum(axis=1)
    print(
        f"{model.name:16} tokens {same.sum()}/{len(texts)}  pixels off by {off.max():.0f}/255  "
        f"cosine of texts {text_cosines.min():.7f}  of images {image_cosines.min():.7f}"
    )
    for text in [text for text, one in zip(texts, same, strict=True) if not one][:10]:
        print(f"    tokens differ: {text!r}")
    lowest = min(text_cosines.min(), image_cosines.min())
    return bool(same.all() and off.max() <= FURTHEST_PIXEL and lowest >= LOWEST_COSINE)


def check_real_vocabulary() -> bool:
    """Compare the tokens of the real CLIP vocabulary with open_clip and transformers."""
    from parity_open_clip import open_clip

    from soutu.models.layout import TextSpec
    from soutu.models.tokenizer import TextTokenizer

    texts = parity_strings()
    simple = open_clip.get_tokenizer("ViT-B-32")
    fast = as_transformers(simple, model_max_length=77)
    with tempfile.TemporaryDirectory() as scratch:
        fast.save_pretrained(scratch)
        path = Path(scratch) / "tokenizer.json"
        plain = TextTokenizer(path, TextSpec(context_length=77, pad_token="<|endoftext|>"))
        cleaned = TextTokenizer(path, TextSpec(context_length=77, pad_token="!", clean="lower"))
    wanted = fast(texts, padding="max_length", truncation=True, max_length=77)["input_ids"]
    by_transformers = (plain(texts).ids == np.array(wanted)).all(axis=1)
    by_open_clip = (cleaned(texts).ids == simple(texts).numpy()).all(axis=1)
    print(
        f"CLIP vocabulary  tokens {by_transformers.sum()}/{len(texts)} as transformers, "
        f"{by_open_clip.sum()}/{len(texts)} as open_clip"
    )
    for text in [text for text, one in zip(texts, by_open_clip, strict=True) if not one][:10]:
        print(f"    tokens differ from open_clip: {text!r}")
    return bool(by_transformers.all() and by_open_clip.all())


if __name__ == "__main__":
    sys.exit(main())
