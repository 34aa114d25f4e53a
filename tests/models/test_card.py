"""The catalogue and the cards in it."""

from __future__ import annotations

import re

import pytest

from soutu.errors import ModelError
from soutu.models.card import ModelCard, card_from_dict, card_to_dict, catalogue
from soutu.models.entry import valid_name

CARDS = list(catalogue().values())


def test_the_catalogue_has_what_was_promised() -> None:
    """The bundled model comes first; CLIP, OpenCLIP, SigLIP 2, XLM-R and Chinese-CLIP are there."""
    assert next(iter(catalogue())) == "mini"
    assert {
        "clip-vit-b-32",
        "openclip-vit-b-32",
        "openclip-vit-l-14",
        "siglip2-b-16",
        "xlm-r-vit-b-32",
        "chinese-clip-vit-b-16",
    } <= catalogue().keys()


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_is_complete(card: ModelCard) -> None:
    """Every card has a dimension, languages, a licence, a size and figures with a source."""
    assert valid_name(card.name) == card.name
    assert card.dim > 0
    assert card.languages
    assert card.licence
    assert card.download_mb
    assert card.figures
    assert all(figure.source and 0 < figure.value <= 100 for figure in card.figures)


@pytest.mark.parametrize("card", [c for c in CARDS if c.repository], ids=lambda card: card.name)
def test_a_revision_is_pinned_or_explained(card: ModelCard) -> None:
    """A repository is taken at one commit; where it is not, the notes say so."""
    assert re.fullmatch(r"[0-9a-f]{40}", card.revision) or "Not pinned" in card.notes


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_survives_json(card: ModelCard) -> None:
    """A card is the same after it was written and read."""
    assert card_from_dict(card_to_dict(card), source="test") == card


def test_a_bad_card_is_an_error() -> None:
    """Where it stands is named."""
    with pytest.raises(ModelError, match=r"model card in there\.json cannot be read"):
        card_from_dict({"name": "x", "colour": "red"}, source="there.json")
