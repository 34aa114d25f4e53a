"""Heads by scikit-learn: known answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import ClassifierChain

from soutu.errors import InputError
from soutu.heads import HeadEncoder, HeadFacts, LinearHead, open_head, save_head
from soutu.metrics import mean_average_precision
from soutu.models.base import Scale
from soutu.train.anchored import AnchoredClassifier, ZeroShotClassifier
from soutu.train.chains import ChainClassifier, ChainsClassifier
from soutu.train.classical import LogisticClassifier, SVMClassifier, platt

CLASSES = ("or", "and", "xor")


def logic(n: int = 400, seed: int = 0) -> tuple[Any, Any]:
    """Make two bits with noise, and their or, and, xor: the last is no linear function of them."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (n, 2))
    x = (2 * bits - 1 + 0.2 * rng.normal(size=(n, 2))).astype(np.float32)
    a, b = bits.T.astype(bool)
    return x, np.stack([a | b, a & b, a ^ b], axis=1).astype(np.int8)


def world(n: int = 300, dim: int = 12, seed: int = 1) -> tuple[Any, Any, Any]:
    """Make unit vectors, labels that they decide with noise, and text vectors near the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(3, dim))
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    x = rng.normal(size=(n, dim))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = (x @ truth.T + 0.1 * rng.normal(size=(n, 3)) > 0.15).astype(np.int8)
    text = truth + 0.2 * rng.normal(size=truth.shape)
    text /= np.linalg.norm(text, axis=1, keepdims=True)
    return x.astype(np.float32), y, text.astype(np.float32)


ALL: dict[str, Any] = {
    "logistic": LogisticClassifier,
    "svm": SVMClassifier,
    "chain": ChainClassifier,
    "chains": lambda **given: ChainsClassifier(chains=3, **given),
    "anchored": lambda **given: AnchoredClassifier(scale=Scale(scale=20.0), **given),
}
LEARNING = pytest.mark.parametrize("make", ALL.values(), ids=list(ALL))


# --- known answers ---


def test_chains_beat_independence_where_labels_explain_each_other() -> None:
    x, y = logic()
    fresh, wanted = logic(seed=1)

    def right(head: Any) -> float:
        found = head.fit(x, y, classes=CLASSES).predict_proba(fresh) >= 0.5
        return float((found == wanted).all(axis=1).mean())

    assert right(LogisticClassifier(c=10.0)) < 0.8
    for passes in ("probabilities", "decisions"):
        assert right(ChainClassifier(c=10.0, order="given", passes=passes)) > 0.98
    assert right(ChainsClassifier(c=10.0, chains=12, passes="decisions")) > 0.8


def test_the_order_of_a_chain_matters() -> None:
    x, y = logic()
    first = ChainClassifier(c=10.0, order=(2, 0, 1)).fit(x, y, classes=CLASSES).predict_proba(x)
    last = ChainClassifier(c=10.0, order=(0, 1, 2)).fit(x, y, classes=CLASSES).predict_proba(x)
    assert ((first[:, 2] >= 0.5) == y[:, 2]).mean() < 0.8
    assert ((last[:, 2] >= 0.5) == y[:, 2]).mean() > 0.98
    given = ChainClassifier(order="given").fit(x, y, classes=CLASSES).to_head().order
    frequent = ChainClassifier(order="frequent").fit(x, y, classes=CLASSES).to_head().order
    assert given.tolist() == [[0, 1, 2]]
    assert frequent.tolist() == [np.argsort(-y.sum(axis=0), kind="stable").tolist()]
    random = [ChainClassifier(order="random", seed=s).fit(x, y, classes=CLASSES) for s in (1, 1, 2)]
    orders = [each.to_head().order.tolist() for each in random]
    assert orders[0] == orders[1]


def test_a_chain_is_that_of_scikit_learn() -> None:
    x, y, _ = world()
    order = [2, 0, 1]
    theirs = ClassifierChain(LogisticRegression(C=0.7, max_iter=1000, tol=1e-8), order=order)
    theirs.fit(x, y)
    ours = ChainClassifier(c=0.7, order=tuple(order), passes="decisions", standardise=False)
    found = ours.fit(x, y, classes="abc").predict_proba(x)
    assert np.allclose(found, theirs.predict_proba(x), atol=2e-3)


def test_logistic_regression_is_that_of_scikit_learn() -> None:
    x, y, _ = world()
    found = LogisticClassifier(c=0.5).fit(x, y, classes="abc").predict_proba(x)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    for label in range(3):
        theirs = LogisticRegression(C=0.5, max_iter=1000).fit(scaled, y[:, label])
        assert np.allclose(found[:, label], theirs.predict_proba(scaled)[:, 1], atol=2e-3)


def test_platt_scaling_finds_the_sigmoid_that_was_there() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=20_000)
    yes = rng.random(20_000) < 1 / (1 + np.exp(-(2.5 * scores - 1)))
    assert platt(scores, yes) == pytest.approx((2.5, -1), abs=0.1)
    assert platt(-scores, yes)[0] == 0


def test_probabilities_of_the_svm_are_calibrated() -> None:
    x, y, _ = world(2000)
    fresh, wanted, _ = world(2000)
    found = SVMClassifier().fit(x, y, classes="abc").predict_proba(fresh)
    for low, high in ((0.1, 0.4), (0.4, 0.7), (0.7, 1.0)):
        inside = (found >= low) & (found < high)
        assert wanted[inside].mean() == pytest.approx(found[inside].mean(), abs=0.08)


def test_zero_shot_is_the_encoders_own_classifier() -> None:
    x, y, text = world()
    head = ZeroShotClassifier(scale=Scale(scale=30.0, bias=-4.0)).fit(
        x, y, classes="abc", text=text
    )
    wanted = 1 / (1 + np.exp(-(30.0 * x.astype(float) @ text.T - 4.0)))
    assert np.allclose(head.predict_proba(x), wanted, atol=1e-5)
    assert isinstance(head.to_head(), LinearHead)
    plain = ZeroShotClassifier(scale=Scale(scale=30.0))
    first = plain.fit(x, y, classes="abc", text=text).predict_proba(x)
    assert first.mean() == pytest.approx(1 / 3, abs=1e-3)
    other = plain.fit(x, 1 - y, classes="abc", text=text).predict_proba(x)
    assert (other == first).all()  # it learns from no label
    with pytest.raises(InputError, match="zero-shot needs the text vectors"):
        ZeroShotClassifier().fit(x, y, classes="abc")


def test_anchored_starts_at_the_text_and_gains_from_labels() -> None:
    x, y, text = world()
    scale = Scale(scale=20.0)
    zero = ZeroShotClassifier(scale=scale).fit(x, y, classes="abc", text=text)
    few = np.full_like(y, -1)
    few[:12] = y[:12]
    start = AnchoredClassifier(scale=scale, one_class="prior").fit(x, few, classes="abc", text=text)
    alone = LogisticClassifier(one_class="prior").fit(x, few, classes="abc")
    every = AnchoredClassifier(scale=scale).fit(x, y, classes="abc", text=text)
    maps = [mean_average_precision(each.predict_proba(x[12:]), y[12:])
            for each in (alone, zero, start, every)]  # fmt: skip
    assert maps[0] < maps[2]
    assert maps[1] - 0.03 < maps[2] < maps[3]


# --- what all of them promise ---


@LEARNING
def test_unknown_labels_do_not_matter(make: Any) -> None:
    """Pictures of which nothing is said, here each one once more, change no head."""
    x, y, text = world()
    y[200:, 1] = -1
    known = make().fit(x, y, classes="abc", text=text)
    twice, said = np.concatenate([x, x]), np.concatenate([y, np.full_like(y, -1)])
    more = make().fit(twice, said, classes="abc", text=text)
    # Those that measure how pictures vary trust more pictures more.
    tolerance = 0.05 if isinstance(known, AnchoredClassifier) else 1e-4
    assert np.allclose(known.predict_proba(x), more.predict_proba(x), atol=tolerance)


def test_a_label_learns_from_its_known_examples_alone() -> None:
    x, y, _ = world()
    masked = y.copy()
    masked[200:, 1] = -1
    one = LogisticClassifier().fit(x, masked, classes="abc").to_head()
    full = LogisticClassifier().fit(x, y, classes="abc").to_head()
    assert (one.weights[[0, 2]] == full.weights[[0, 2]]).all()
    assert (one.weights[1] != full.weights[1]).any()


@LEARNING
def test_a_saved_head_gives_the_same_probabilities(make: Any, tmp_path: Path) -> None:
    x, y, text = world()
    steps: list[tuple[int, int | None]] = []
    head = make().fit(
        x, y, classes="abc", text=text, validation=(x, y),
        on_progress=lambda p: steps.append((p.done, p.total)),
    )  # fmt: skip
    assert steps[-1][0] == steps[-1][1] == len(steps)
    facts = HeadFacts(
        classes=head.classes_,
        thresholds=tuple(head.thresholds_.tolist()),
        encoder=HeadEncoder(name="x", revision="y", dim=12),
        method="test",
        parameters=head.parameters(),
    )
    save_head(tmp_path / "h", head.to_head(), facts)
    stored = open_head(tmp_path / "h")
    assert (stored.predict_proba(x) == head.predict_proba(x)).all()
    assert (stored.thresholds_ == head.thresholds_).all()
    assert (head.thresholds_ != 0.5).any()


@LEARNING
def test_regions_are_read_too(make: Any) -> None:
    x, y, text = world()
    several = np.stack([x, x[::-1], x], axis=1)
    head = make().fit(several, y, classes="abc", text=text)
    found = head.predict_proba(several)
    assert found.shape == (300, 3)
    assert mean_average_precision(found, y) > 0.6
    with pytest.raises(InputError, match="numbers a picture"):
        head.predict_proba(x)


@LEARNING
def test_what_cannot_be_learned_from_is_refused(make: Any) -> None:
    x, y, text = world(60)
    given: dict[str, Any] = {"classes": "abc", "text": text}
    one = y.copy()
    one[:, 1] = 1
    with pytest.raises(InputError, match="no training example says no to 'b'"):
        make().fit(x, one, **given)
    broken = x.copy()
    broken[3, 2] = np.nan
    with pytest.raises(InputError, match="row 3"):
        make().fit(broken, y, **given)
    with pytest.raises(InputError, match="60 training inputs, but labels of 59"):
        make().fit(x, y[1:], **given)
    with pytest.raises(InputError, match="validation inputs"):
        make().fit(x, y, **given, validation=(x[:, :5], y))
    with pytest.raises(InputError, match="give float32 vectors"):
        make().fit(x.astype(np.int64), y, **given)
    with pytest.raises(InputError, match="has learned nothing yet"):
        make().predict_proba(x)


@LEARNING
def test_labels_of_one_kind_get_their_share(make: Any) -> None:
    x, y, text = world(98)
    y[:, 1] = 1
    y[:, 2] = 0
    y[49:, 2] = -1
    head = make(one_class="prior").fit(x, y, classes="abc", text=text)
    found = head.predict_proba(x)
    assert np.allclose(found[:, 1], 99 / 100, atol=1e-5)
    assert np.allclose(found[:, 2], 1 / 51, atol=1e-5)


def test_settings_that_cannot_be_are_refused() -> None:
    x, y, _ = world(60)
    for head, told in (
        (LogisticClassifier(c=0.0), "c is 0.0"),
        (ChainClassifier(c=-1.0), "c is -1.0"),
        (ChainClassifier(order=(0, 1)), "does not name each of the 3 classes"),
        (ChainClassifier(order="best"), "none of given, frequent and random"),  # type: ignore[arg-type]
        (ChainsClassifier(chains=0), "0 chains"),
        (ChainsClassifier(order="given"), "random orders"),
    ):
        with pytest.raises(InputError, match=told):
            replace(head).fit(x, y, classes="abc")


def test_an_svm_of_very_few_examples_still_gives_probabilities() -> None:
    x, y, _ = world(60)
    y[:, 0] = 0
    y[7, 0] = 1
    found = SVMClassifier().fit(x, y, classes="abc").predict_proba(x)
    assert ((found >= 0) & (found <= 1)).all()
    assert found[:, 0].argmax() == 7
