"""Distil a compact dual encoder from a large one: unlabelled pictures and a word list are enough.

- `corpus`: what is learnt from: pictures, the teacher's answers on them, texts and their places.
- `teaching`: makes a corpus from any dual encoder, pictures, words and captions.
- `vocabulary`, `bags`: the student's tokenizer, and texts as bags of tokens.
- `networks`, `losses`, `batches`, `table`, `loop`, `checkpoints`: the training, read in that order.
- `graphs`, `export`: the student as a model folder, verified against torch.

Needs the extra `train`.
"""

from __future__ import annotations

from soutu.train.distill.corpus import Corpus, Shelf, open_corpus, save_corpus
from soutu.train.distill.settings import Settings, Weights

__all__ = ["Corpus", "Settings", "Shelf", "Weights", "open_corpus", "save_corpus"]
