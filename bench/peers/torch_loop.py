"""Encode a folder as people write it in a notebook: transformers, torch, a simple loop.

Run by bench/index.py in the environment that has torch: FOLDER CHECKPOINT BATCH. Prints JSON with
the seconds of the loop, without imports and without loading the model.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = 256
MEAN = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32)


def preprocess(path: Path) -> Any:
    """Return float32 [3, 256, 256]: short side to 256, centre crop, normalised."""
    image = Image.open(path).convert("RGB")
    scale = SIZE / min(image.size)
    width, height = round(image.width * scale), round(image.height * scale)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - SIZE) // 2, (height - SIZE) // 2
    image = image.crop((left, top, left + SIZE, top + SIZE))
    return ((np.asarray(image, dtype=np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)


def main() -> None:
    """Encode every picture of the folder."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    folder, checkpoint, batch = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    model = transformers.CLIPModel.from_pretrained(checkpoint).eval()
    paths = sorted(folder.rglob("*.jpg"))
    started = time.perf_counter()
    found = []
    with torch.inference_mode():
        for at in range(0, len(paths), batch):
            pixels = np.stack([preprocess(path) for path in paths[at : at + batch]])
            vectors = model.get_image_features(pixel_values=torch.from_numpy(pixels)).pooler_output
            found.append(torch.nn.functional.normalize(vectors).numpy())
    vectors = np.concatenate(found)
    print(json.dumps({"seconds": time.perf_counter() - started, "vectors": len(vectors)}))


if __name__ == "__main__":
    main()
