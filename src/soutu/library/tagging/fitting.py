"""The current heads of tags: made from texts, refined by labels, kept until either changes."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xxhash

from soutu.catalog.labelled import written_since
from soutu.library import relevance
from soutu.library.tagging.heads import Background, Base, Head, zero_shot
from soutu.library.tagging.prompts import prompt_texts, text_vectors
from soutu.library.tagging.scores import HeadScores
from soutu.models.base import Scale
from soutu.types import Tag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.catalog.catalog import Catalog
    from soutu.library.base import Watcher
    from soutu.library.spaces import Space
    from soutu.library.tagging.cache import TagCache
    from soutu.library.tagging.spoken import Spoken, TagLabels
    from soutu.library.tagging.trained import HeadClass, HeadStore
    from soutu.models.base import Encoder
    from soutu.types import Ids, Vectors

_DRIFT = 0.1  # share of pictures that may come or go before the score distribution counts as old
_SMALL = 2048  # libraries up to here are measured anew after every change


@dataclass(frozen=True)
class _Measured:
    """A score distribution with the mark that names it, and the model's own scale."""

    mark: str
    background: Background
    scale: Scale
    sample: Vectors

    @classmethod
    def of(cls, mark: str, sample: Vectors, concepts: Vectors, scale: Scale) -> _Measured:
        background = Background.measure(sample=sample, concepts=concepts, scale=scale)
        return cls(mark, background, scale, sample)


class Fitter:
    """Give tags their heads in one space. The heads of a group's tags are for its softmax.

    Safe to call from many threads; they wait while one of them fits.
    """

    def __init__(
        self,
        catalog: Catalog,
        space: Space,
        cache: TagCache,
        encoder: Callable[[], Encoder],
        trained: HeadStore,
    ) -> None:
        self._catalog, self._space, self._cache = catalog, space, cache
        self._encoder = encoder
        self._trained = trained
        self.scores = HeadScores(catalog, space, trained)
        self._lock = threading.RLock()
        self._known: dict[int, tuple[str, Head]] = {}
        self._keys: tuple[Spoken, str, dict[int, str]] | None = None
        self._measured: _Measured | None = None
        self._of_sample: dict[str, tuple[str, NDArray[np.float32]]] = {}
        self._fresh: tuple[str, int] | None = None  # a mark, and the catalog's stamp it held at

    def heads(self, spoken: Spoken, tags: Sequence[int]) -> dict[int, tuple[str, Head]]:
        """Return the heads of tags, each with a key of what it was made from; fit those changed."""
        with self._lock:
            keys = self._keyed(spoken, tags)
            unknown = [tag for tag in tags if self._known.get(tag, ("",))[0] != keys[tag]]
            self._known.update(self._cache.heads(unknown))
            stale = [tag for tag in unknown if self._known.get(tag, ("",))[0] != keys[tag]]
            if stale:
                fitted = self._fit(spoken, stale)
                fresh = {tag: (keys[tag], head) for tag, head in fitted.items()}
                self._cache.put_heads(fresh)
                self._known.update(fresh)
            return {tag: self._known[tag] for tag in tags}

    def knows_texts(self, spoken: Spoken, tags: Sequence[int]) -> bool:
        """Tell whether tags can be fitted without the text encoder."""
        with self._lock:
            mark = (self._cache.meta("mark") or b"").decode()
            if not mark or _outdated(mark, self._catalog):
                return False
            read = [tag for tag in tags if self._active(spoken, tag) is None]
            keys = {_text_key(prompt_texts(spoken.vocabulary.tag(tag))) for tag in read}
            return len(self._cache.texts(sorted(keys))) == len(keys)

    def softmax_heads(self, spoken: Spoken, tags: Sequence[int]) -> dict[int, Head]:
        """Return heads whose logits are those of a softmax over the tags."""
        with self._lock:
            return self._fit(spoken, tags, softmax=True)

    def text_vectors(self, spoken: Spoken, tags: Sequence[int]) -> Vectors:
        """Return the unit text vectors [n, dim] of tags; all zero for one the model cannot read."""
        return self._vectors({tag: spoken.vocabulary.tag(tag) for tag in tags})

    def word_vectors(self, words: Sequence[str]) -> Vectors:
        """Return the unit vectors [n, dim] of words that are no tags, described like tags."""
        return self._vectors({word: Tag(name=word) for word in words})

    def share_above(self, query: NDArray[np.float32], least: float) -> float:
        """Estimate the share of pictures whose cosine with a unit query is at least `least`."""
        with self._lock:
            sample = self._distribution().sample
        return float((sample @ query >= least).mean()) if len(sample) else 1.0

    def forget(self) -> None:
        """Drop what was computed from vectors that were made anew."""
        with self._lock:
            self._known.clear()
            self._keys = self._measured = self._fresh = None
            self._of_sample.clear()
            self.scores.forget()

    def _keyed(self, spoken: Spoken, tags: Sequence[int]) -> dict[int, str]:
        mark = self._mark()
        if self._keys is None or self._keys[0] is not spoken or self._keys[1] != mark:
            self._keys = (spoken, mark, {})
        keys = self._keys[2]
        for tag in tags:
            if tag not in keys:
                keys[tag] = self._key(spoken, tag, mark)
        return keys

    def _key(self, spoken: Spoken, tag: int, mark: str) -> str:
        trained = self._active(spoken, tag)
        made_of = _text_key(prompt_texts(spoken.vocabulary.tag(tag))) if trained is None else ""
        rivals = spoken.vocabulary.rivals(tag)
        grouped = "softmax" if rivals and not self._any_trained(spoken, rivals) else ""
        of = str(trained or "")
        return _hash(made_of, mark, spoken.labels_of(tag).taught_key, grouped, of)

    def _active(self, spoken: Spoken, tag: int) -> HeadClass | None:
        """Return the class of a trained head that scores a tag in this space, if one does."""
        return self._trained.active(spoken.vocabulary.rows[tag].head, self._space.row)

    def _any_trained(self, spoken: Spoken, tags: Iterable[int]) -> bool:
        return any(self._active(spoken, tag) is not None for tag in tags)

    def _fit(
        self,
        spoken: Spoken,
        tags: Sequence[int],
        *,
        softmax: bool = False,
    ) -> dict[int, Head]:
        measured = self._distribution()
        trained = {tag: self._active(spoken, tag) for tag in tags}
        texts = [tag for tag, of in trained.items() if of is None]
        vectors = self.text_vectors(spoken, texts)
        found: dict[int, Head] = {}
        heads = zero_shot(vectors, measured.background)
        # Heads have no cosines to compare: beside one, the calibrated logits of all are compared.
        compared = softmax and len(texts) == len(trained)
        for row, (tag, head) in enumerate(zip(texts, heads, strict=True)):
            labels = spoken.labels_of(tag).taught
            learned = head
            if len(labels.images):
                learned = self._refined(vectors[row], labels, measured.background)
            rivals = spoken.vocabulary.rivals(tag)
            if compared or (not softmax and rivals and not self._any_trained(spoken, rivals)):
                learned = _for_softmax(vectors[row], measured.scale, head, learned)
            found[tag] = learned
        for tag, of in trained.items():
            if of is not None:
                found[tag] = self._of_trained(of, spoken.labels_of(tag).taught, measured)
        return found

    def _refined(
        self, text: NDArray[np.float32], labels: TagLabels, background: Background
    ) -> Head:
        from soutu.library.tagging.learning import refine

        asked = np.concatenate([labels.yes, labels.no])
        ids, vectors = self._space.index.get(asked)
        return refine(text, background, vectors, np.isin(ids, labels.yes))

    # --- trained heads ---

    def logits(
        self, heads: Sequence[Head], ids: Ids | None, vectors: Vectors
    ) -> NDArray[np.float32]:
        """Return the logits [n, t] of pictures with vectors [n, dim], known by ids [n] or not."""
        weights = np.stack([head.weights for head in heads])
        found: NDArray[np.float32] = vectors @ weights.T
        found += np.array([head.bias for head in heads], np.float32)
        known: dict[str, NDArray[np.float32]] = {}
        for column, head in enumerate(heads):
            if head.base is not None:
                of = head.base.of
                if of.digest not in known:
                    known[of.digest] = self.scores.logits(of.digest, ids, vectors)
                found[:, column] += np.float32(head.base.factor) * known[of.digest][:, of.column]
        return found

    def prepare(self, heads: Iterable[Head], on_progress: Watcher | None = None) -> None:
        """Compute what heads that are not linear say of all pictures, before all are looked at."""
        for digest in dict.fromkeys(h.base.of.digest for h in heads if h.base is not None):
            self.scores.table(digest, on_progress)

    def _of_trained(self, of: HeadClass, labels: TagLabels, measured: _Measured) -> Head:
        stored = self._trained.open(of.digest)
        threshold = float(stored.thresholds_[of.column])
        linear = stored.linear
        if linear is None:
            none = np.zeros(self._space.index.dim, np.float32)
            head = Head(weights=none, bias=0.0, threshold=threshold, source="head", base=Base(of))
        else:
            bias = float(linear.bias[of.column])
            head = Head(
                weights=linear.weights[of.column], bias=bias, threshold=threshold, source="head"
            )
        return self._sharpened(head, labels, measured) if len(labels.images) else head

    def _sharpened(self, head: Head, labels: TagLabels, measured: _Measured) -> Head:
        from soutu.library.tagging.learning import BaseLogits, refine_trained

        asked = np.concatenate([labels.yes, labels.no])
        ids, vectors = self._space.index.get(asked)
        base = None
        if head.base is not None:
            of = head.base.of
            base = BaseLogits(
                labelled=self.scores.logits(of.digest, ids, vectors)[:, of.column],
                sample=self._sample_logits(of.digest, measured)[:, of.column],
            )
        yes = np.isin(ids, labels.yes)
        return refine_trained(head, measured.background, vectors, yes, base)

    def _sample_logits(self, digest: str, measured: _Measured) -> NDArray[np.float32]:
        """Return what a head says [m, L] of the library's sample, kept until that is another."""
        known = self._of_sample.get(digest)
        if known is None or known[0] != measured.mark:
            found = self.scores.logits(digest, None, measured.background.sample)
            known = self._of_sample[digest] = (measured.mark, found)
        return known[1]

    # --- texts ---

    def _vectors(self, tags: Mapping[Any, Tag]) -> Vectors:
        keys = {each: _text_key(prompt_texts(tag)) for each, tag in tags.items()}
        known = self._cache.texts(sorted(set(keys.values())))
        missing = {key: tags[each] for each, key in keys.items() if key not in known}
        if missing:
            vectors = text_vectors(
                list(missing.values()), lambda asked: self._encoder().encode_texts(asked)
            )
            fresh = dict(zip(missing, vectors, strict=True))
            self._cache.put_texts(fresh)
            known |= fresh
        if not keys:
            return np.empty((0, self._space.index.dim), np.float32)
        return np.stack([known[key] for key in keys.values()])

    # --- the library's own score distribution ---

    def _mark(self) -> str:
        """Name the distribution in use; it is measured anew when the pictures changed much."""
        stamp = self._catalog.stamp()
        if self._fresh is not None and self._fresh[1] == stamp:
            return self._fresh[0]
        if self._measured is None:
            mark = (self._cache.meta("mark") or b"").decode()
        else:
            mark = self._measured.mark
        if not mark or _outdated(mark, self._catalog):
            mark = self._measure().mark
        self._fresh = (mark, stamp)
        return mark

    def _measure(self) -> _Measured:
        encoder = self._encoder()
        mark = f"{self._catalog.count()}/{self._catalog.version()}"
        sample = self._space.calibration(encoder).sample
        # Described as tags are, since they are what tags are measured against.
        concepts = self.word_vectors(relevance.concepts())
        scale = encoder.facts.scale
        buffer = io.BytesIO()
        bias = np.nan if scale.bias is None else scale.bias
        np.savez(buffer, sample=sample, concepts=concepts, scale=[scale.scale, bias])
        self._cache.set_meta({"background": buffer.getvalue(), "mark": mark.encode()})
        self._measured = _Measured.of(mark, sample, concepts, scale)
        return self._measured

    def _distribution(self) -> _Measured:
        mark = self._mark()
        if self._measured is not None:
            return self._measured
        raw = self._cache.meta("background")
        if raw is None:  # the file was damaged, and starts afresh
            return self._measure()
        with np.load(io.BytesIO(raw), allow_pickle=False) as data:
            scale, bias = (float(x) for x in data["scale"])
            facts = Scale(scale=scale, bias=None if np.isnan(bias) else bias)
            self._measured = _Measured.of(mark, data["sample"], data["concepts"], facts)
        return self._measured


def _outdated(mark: str, catalog: Catalog) -> bool:
    """Tell whether so many pictures came, changed or went that a distribution counts as old."""
    then, as_of = (int(part) for part in mark.split("/"))
    if as_of == catalog.version():
        return False
    if then <= _SMALL:
        return True
    changed = max(abs(catalog.count() - then), written_since(catalog, as_of))
    return changed > _DRIFT * then


def _for_softmax(text: NDArray[np.float32], scale: Scale, zero: Head, learned: Head) -> Head:
    """Turn a head into one for a softmax: the model's own logits, moved as the labels say.

    Calibrated logits compare a picture with the library; between tags of one group the cosines
    themselves compare, as in the softmax that CLIP-like models are trained with.
    """
    return replace(
        learned,
        weights=(scale.scale * text + (learned.weights - zero.weights)).astype(np.float32),
        bias=float(learned.bias - zero.bias),
    )


def _text_key(texts: Iterable[str]) -> str:
    return _hash(*texts)


def _hash(*parts: str) -> str:
    return xxhash.xxh3_128_hexdigest("\0".join(parts).encode("utf-8", "surrogatepass"))
