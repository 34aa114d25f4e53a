"""Write the golden values of the bundled model: python tests/models/make_mini_golden.py.

To be run when the shipped files change, and only then.
"""

from __future__ import annotations

import numpy as np
from test_mini import GOLDEN, TEXTS

from soutu.models import load_mini
from soutu.models.samples import sample_pictures

if __name__ == "__main__":
    mini = load_mini(threads=1)
    pictures = sample_pictures(mini.facts.preprocess, 4)
    texts, images = mini.encode_texts(TEXTS), mini.encode_images(pictures)
    np.savez_compressed(GOLDEN, texts=texts, images=images)
    print(f"{GOLDEN} written for revision {mini.facts.revision}")
