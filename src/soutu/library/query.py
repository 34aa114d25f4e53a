"""From words and pictures with weights to one unit vector."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from soutu.errors import QueryError
from soutu.library.arguments import is_text, several, texts
from soutu.library.given import image_vector, is_url
from soutu.library.pictures import is_id, missing
from soutu.library.where import parse_where
from soutu.types import Query, Term

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.relevance import QueryKind
    from soutu.models.base import Encoder
    from soutu.types import Box, Filter, Vectors

_MIN_SAMPLE = 16  # below this the spread of a term's scores says too little to balance by
_EMPTY = "the query is empty. Give some words, as in: a cat, or a picture"
_HEAVIEST = 1e6  # beyond, sums of single precision say nothing
_NOTHING = 1e-6  # length of a vector that points nowhere


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A query ready for the index: a unit vector [dim], and what it was made of.

    `parts` [terms, dim] are the unit vectors of its terms.
    """

    vector: NDArray[np.float32]
    parts: Vectors
    kind: QueryKind
    files: frozenset[Path]
    ids: frozenset[int] = frozenset()


class Stored(Protocol):
    """Find pictures of the library by id."""

    def vector(self, id_: int) -> NDArray[np.float32]:
        """Return its vector [dim]. Raises QueryError where there is none."""
        ...

    def file(self, id_: int) -> Path:
        """Return where its file is. Raises QueryError where there is none."""
        ...


def build_query(
    query: str | Query | None,
    *,
    image: Path | str | bytes | int | None = None,
    minus: str | None = None,
    where: str | Filter | None = None,
) -> Query:
    """Gather the arguments of `Library.search` into one Query. Raises QueryError."""
    base = query if isinstance(query, Query) else Query()
    texts(base.tags, "tags")
    several(base.terms, "terms")
    terms = list(base.terms)
    if isinstance(query, str):
        terms.append(Term(text=query))
    if image is not None:
        terms.append(Term(image=image))
    if minus is not None:
        terms.append(Term(text=minus, weight=-1.0))
    check_terms(terms)
    terms = [term for term in terms if term.weight]
    if not terms and not (base.keywords or "").strip() and not base.tags:
        raise QueryError(_EMPTY)
    if not 0 <= base.diversity <= 1:
        msg = f"the diversity {base.diversity} lies outside 0..1"
        raise QueryError(msg)
    given = parse_where(where) if isinstance(where, str) else where
    return replace(base, terms=tuple(terms), where=base.where if given is None else given)


def check_start(start: int) -> None:
    """Refuse a page before the first one. Raises QueryError."""
    if start < 0:
        raise QueryError(f"a page cannot start at {start}. Start at 0 or later")


def compose(
    query: Query,
    encoder: Encoder,
    sample: Vectors,
    stored: Stored,
    known: Mapping[str, NDArray[np.float32]] | None = None,
) -> Composed:
    """Turn a query into one unit vector; `known` are vectors that stand for some of its texts."""
    vectors = known_vectors(query.terms, encoder, stored, known or {})
    weights = np.array([term.weight for term in query.terms], dtype=np.float32)
    texts = sum(term.text is not None for term in query.terms)
    kind: QueryKind = "mixed"
    if len(query.terms) == 1 and query.terms[0].weight > 0:
        kind = "text" if texts else "image"
    return Composed(
        vector=mixed(vectors, weights, sample),
        parts=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        kind=kind,
        files=frozenset(file for term in query.terms if (file := _as_file(term))),
        ids=frozenset(
            term.image for term in query.terms if isinstance(term.image, int) and term.box is None
        ),
    )


def mixed(vectors: Vectors, weights: NDArray[np.float32], sample: Vectors) -> NDArray[np.float32]:
    """Mix the vectors [terms, dim] of a query's terms by their weights into one unit vector.

    A picture's cosines spread several times wider over a library than a text's, so a plain sum
    of unit vectors would let the picture decide alone. Each term is therefore divided by the
    spread of its scores over `sample` [n, dim]; the sum then ranks by the weighted mean of
    standardised scores. Raises QueryError for terms that cancel out.
    """
    if len(vectors) > 1 and len(sample) >= _MIN_SAMPLE:
        weights = weights / np.maximum((sample @ vectors.T).std(axis=0), 1e-3)
    total = weights @ vectors
    norm = float(np.linalg.norm(total))
    if norm < _NOTHING:
        msg = "the parts of the query cancel out. Change a weight or leave one part out"
        raise QueryError(msg)
    return np.asarray(total / norm, dtype=np.float32)


def check_terms(terms: Iterable[Term]) -> None:
    """Refuse terms that are neither words nor a picture, or both. Raises QueryError."""
    for term in terms:
        _check(term)


def _check(term: Term) -> None:
    if not abs(term.weight) <= _HEAVIEST:  # nor is NaN
        msg = f"the weight {term.weight} is not a number of use. Give one such as 0.5"
        raise QueryError(msg)
    if (term.text is None) == (term.image is None):
        msg = "each part of a query is either words or a picture"
        raise QueryError(msg)
    if term.text is not None:
        _check_text(term.text)
    if isinstance(term.image, int) and not is_id(term.image):
        raise QueryError(str(missing(term.image)))
    if term.box is not None:
        _check_box(term.box, term)


def _check_text(text: str) -> None:
    if not text.strip():
        raise QueryError(_EMPTY)
    if not is_text(text):
        msg = f"the words {text!r:.60} hold bytes that are no UTF-8. Type them again"
        raise QueryError(msg)


def _check_box(box: Box, term: Term) -> None:
    if term.image is None:
        msg = f"the box {astuple(box)} stands beside words. Only a picture has parts"
        raise QueryError(msg)
    if not (0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1):
        msg = (
            f"the box {astuple(box)} is no part of a picture. Give left, top, right and bottom as "
            f"fractions of its sides, as in 0, 0, 0.5, 1 for the left half"
        )
        raise QueryError(msg)


def known_vectors(
    terms: Sequence[Term],
    encoder: Encoder,
    stored: Stored,
    known: Mapping[str, NDArray[np.float32]],
) -> Vectors:
    """Return the unit vectors [n, dim] of terms. Raises QueryError for words unknown to a model."""
    vectors = term_vectors(terms, encoder, stored, known)
    for term, length in zip(terms, np.linalg.norm(vectors, axis=1), strict=True):
        if length < _NOTHING:
            what = "picture" if term.text is None else repr(term.text)
            msg = (
                f"the model {encoder.facts.name} knows nothing of {what}. Use other words, or a "
                f"larger model: soutu models list"
            )
            raise QueryError(msg)
    return vectors


def term_vectors(
    terms: Sequence[Term],
    encoder: Encoder,
    stored: Stored,
    known: Mapping[str, NDArray[np.float32]],
) -> Vectors:
    """Return the unit vectors [n, dim] of terms; a text without known tokens may give zeros."""
    vectors = np.empty((len(terms), encoder.facts.dim), dtype=np.float32)
    texts = [i for i, term in enumerate(terms) if term.text is not None and term.text not in known]
    if texts:
        vectors[texts] = encoder.encode_texts([terms[i].text or "" for i in texts])
    for i, term in enumerate(terms):
        if term.text is not None and term.text in known:
            vectors[i] = known[term.text]
        elif isinstance(term.image, int) and term.box is None:
            vectors[i] = stored.vector(term.image)
        elif term.image is not None:
            image = stored.file(term.image) if isinstance(term.image, int) else term.image
            vectors[i] = image_vector(image, encoder, purpose="search by", box=term.box)
    return vectors


def _as_file(term: Term) -> Path | None:
    """Return the file that is a term as a whole; hits beside a part of it are worth showing."""
    image = term.image
    if image is None or isinstance(image, bytes | int) or is_url(image) or term.box is not None:
        return None
    return Path(os.path.abspath(image))  # noqa: PTH100 - the catalog keeps links unresolved
