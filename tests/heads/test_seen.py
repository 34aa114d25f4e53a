"""Pictures that a head has learned from are known by their content."""

from __future__ import annotations

import numpy as np
import pytest

from soutu.errors import InputError
from soutu.heads import HeadData
from soutu.heads.seen import BYTES, among, marks


def test_contents_are_found_again() -> None:
    """In any order, each once; nothing is among none."""
    contents = [bytes([n]) * 16 for n in range(5)]
    text = marks([*contents[3::-1], contents[0]])
    assert len(text) == 4 * 8
    np.testing.assert_array_equal(among(text, contents), [True] * 4 + [False])
    assert not among("", contents).any()
    assert among(text, []).shape == (0,)
    assert len(contents[0][:BYTES]) == BYTES


@pytest.mark.parametrize("text", ["no base64!", "abcd"])
def test_a_damaged_record_is_refused(text: str) -> None:
    """Before anything is measured with it."""
    with pytest.raises(InputError, match="seen"):
        HeadData(name="zoo", digest="d", seen=text)
