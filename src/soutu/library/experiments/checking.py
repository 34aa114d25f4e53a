"""What an experiment may be: its settings, and the space of its way B."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import numpy as np

from soutu.errors import InputError, ModelError
from soutu.library.arguments import is_text, one_of, text
from soutu.types import Experiment, ExperimentKind, Variant

if TYPE_CHECKING:
    from soutu.catalog.catalog import Catalog, SpaceRow
    from soutu.library.current import CurrentSpace

_LONGEST_NAME = 80
_LONGEST_SESSION = 200


def checked_new(
    name: str,
    *,
    kind: ExperimentKind,
    model: str | None,
    precision: str | None,
    diversity: float | None,
    keywords: bool,
    share: float | None,
    keep_words: bool,
    salt: str | None,
    who: str,
) -> Experiment:
    """Return an experiment that starts now. Raises InputError for settings that make no sense."""
    name = text(name, "name").strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        msg = f"{name!r:.100} cannot name an experiment. Write 1 to {_LONGEST_NAME} letters"
        raise InputError(msg)
    one_of(kind, get_args(ExperimentKind), "kind")
    share = (0.5 if kind == "split" else 1.0) if share is None else share
    if not 0 < share <= (1 - 1e-9 if kind == "split" else 1):
        msg = f"the share {share} leaves one way without people. Give one such as 0.5"
        raise InputError(msg)
    if diversity is not None and not 0 <= diversity <= 1:
        raise InputError(f"the diversity {diversity} lies outside 0..1")
    for value, what in ((model, "model"), (precision, "precision"), (salt, "salt")):
        if value is not None and not is_text(text(value, what)):
            raise InputError(f"{what} {value!r:.40} holds bytes that are no UTF-8. Type it again")
    variant = Variant(model=model, precision=precision, diversity=diversity, keywords=keywords)
    if variant == Variant():
        msg = (
            "B would be the same as A. Say what it does otherwise: another model, precision or "
            "diversity, or keywords"
        )
        raise InputError(msg)
    return Experiment(
        name=name,
        kind=kind,
        variant=variant,
        share=share,
        keep_words=keep_words,
        who=who,
        started=datetime.now(UTC),
    )


def checked_session(session: str) -> None:
    """Raise InputError for what cannot tell people apart."""
    if not 0 < len(text(session, "session")) <= _LONGEST_SESSION:
        msg = f"the session {session!r:.40} cannot tell people apart. Give each a random text"
        raise InputError(msg)


def space_of(
    variant: Variant, catalog: Catalog, spaces: CurrentSpace, *, complete: bool = False
) -> SpaceRow | None:
    """Return the space of B; None where it is the current one.

    With `complete` every picture must have its vector there, and B must not be A. Raises
    ModelError.
    """
    if variant.model is None and variant.precision is None:
        return None
    current = spaces.row()
    rows = [row for row in catalog.spaces() if _fits(variant, row, current)]
    rows.sort(key=lambda row: current is None or row.precision != current.precision)
    others = [row for row in rows if row != current]
    if complete and others:
        _require_complete(others[0], catalog, spaces)
    if complete and not others:
        raise _no_such_space(variant, catalog, current)
    return others[0] if others else None


def _fits(variant: Variant, row: SpaceRow, current: SpaceRow | None) -> bool:
    wanted = variant.model or (None if current is None else current.model)
    return wanted in (row.model, row.source, row.name) and variant.precision in (
        None,
        row.precision,
    )


def _require_complete(row: SpaceRow, catalog: Catalog, spaces: CurrentSpace) -> None:
    ids = catalog.ids()
    lacking = np.union1d(
        np.setdiff1d(ids, spaces.opened(row).index.ids()),
        np.intersect1d(ids, catalog.stale(row.name)),
    )
    if len(lacking):
        msg = (
            f"the library lacks {len(lacking):,} vectors of {row.model}. {_both(row, spaces.row())}"
        )
        raise ModelError(msg)


def _no_such_space(variant: Variant, catalog: Catalog, current: SpaceRow | None) -> ModelError:
    held = ", ".join(f"{row.model} ({row.precision})" for row in catalog.spaces()) or "none"
    wanted = variant.model or (current.model if current is not None else "the model")
    precision = "" if variant.precision is None else f" ({variant.precision})"
    again = "" if current is None else f", then: soutu models use {current.source}"
    option = "" if variant.precision is None else f" --precision {variant.precision}"
    return ModelError(
        f"there is no other space of {wanted}{precision} to answer by; the library holds vectors "
        f"of: {held}. Run: soutu models use {wanted}{option}{again}"
    )


def _both(row: SpaceRow, current: SpaceRow | None) -> str:
    again = "" if current is None else f", then: soutu models use {current.source}"
    return f"Run: soutu models use {row.source}{again}"
