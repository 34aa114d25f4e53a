"""Learn a tag from yes and no, without leaving what its text says.

The head is the zero-shot one plus what the labels ask for, w = slope * text + delta: logistic
regression with a Gaussian prior around the text's classifier (as in Bayesian model adaptation,
Chelba and Acero 2004, Adaptation of Maximum Entropy Capitalizer). Delta is penalised in the
metric of the library's own covariance, shrunk towards the identity: directions in which its
pictures hardly vary, and which tell fine kinds apart, cost less than those in which all do.
Few labels move a tag little, whatever they say.

How stiff the text stays is found from the labels themselves: heads of two penalties are averaged,
weighted by how well each predicts every label as if it had not been seen (approximate
leave-one-out: Rad and Maleki 2020, A scalable estimate of the out-of-sample prediction error;
pseudo-BMA weights: Yao, Vehtari, Simpson and Gelman 2018, Using stacking to average Bayesian
predictive distributions). Where some labels are wrong, the stiffer one wins.

The same logits turn scores into probabilities (`calibration`), and the threshold follows as for
zero-shot tags, on the new probabilities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soutu.heads.base import sigmoid
from soutu.library.tagging.calibration import calibrate
from soutu.library.tagging.heads import Head
from soutu.library.tagging.thresholds import blend, f1_threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.tagging.heads import Background
    from soutu.types import Vectors

    Reals = NDArray[np.float64]

STIFFNESS = (0.3, 0.03)
"""Penalties on delta, a stiff and a soft one: the weight of the text against the labels."""

_BOTH = 2.0  # labels of both kinds at which the soft penalty has half of its final prior
_OFFSET = 0.03  # penalty on the intercept during learning; it takes up how people chose
_STEPS = 30
_EXACT = 1e-7  # Newton stops when what is left to gain is this share of the loss
_FLAT = 1e-6  # least curvature of the loss at a label, where exp() has underflowed


def refine(
    text: NDArray[np.float32],
    background: Background,
    vectors: Vectors,
    y: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> Head:
    """Learn a tag's head from labelled pictures.

    `text` [dim] is the tag's unit vector, `vectors` [n, dim] the pictures, `y` [n] what was said
    of them and `weights` [n] how much each label counts, by default 1. Without labels the head is
    the zero-shot one. The same input gives the same head.
    """
    if vectors.shape != (len(y), len(text)) or (weights is not None and len(weights) != len(y)):
        raise ValueError(f"{vectors.shape} pictures and {len(y)} labels for a text {text.shape}")
    said = y.astype(np.float64)
    count = np.ones(len(y)) if weights is None else weights.astype(np.float64)
    mean = background.mean.astype(np.float64)
    anchor = background.slope * text.astype(np.float64)
    centred = vectors.astype(np.float64) - mean
    delta, unseen = _drift(centred @ background.whitening, centred @ anchor, said, count)
    learned = anchor + background.whitening @ delta

    sample = (background.sample.astype(np.float64) - mean) @ learned
    start = background.bias + float(mean @ anchor)
    slope, intercept = calibrate(unseen, said, count, sample, start)
    bias = intercept - slope * float(mean @ learned)
    return Head(
        weights=(slope * learned).astype(np.float32),
        bias=bias,
        threshold=_threshold(slope * sample + intercept, background),
        source="learned" if len(y) else "zero-shot",
    )


def _drift(z: Reals, base: Reals, y: Reals, count: Reals) -> tuple[Reals, Reals]:
    """Fit logits base + z @ delta + offset; return delta [dim] and the logits as if unseen [n].

    With fewer labels than dimensions delta lies in the span of the labelled pictures, so it is
    sought there: n unknowns instead of dim.
    """
    if len(z) == 0:
        return np.zeros(z.shape[1]), base
    span = None
    if len(z) < z.shape[1]:
        span, upper = np.linalg.qr(z.T)
        z = upper.T
    features = np.hstack([z, np.ones((len(z), 1))])
    fits = []
    found = np.zeros(features.shape[1])
    for stiffness in STIFFNESS:
        penalty = np.append(np.full(z.shape[1], stiffness), _OFFSET)
        found = _newton(features, base, y, count, penalty, found)
        fits.append((found, _unseen(features, base, y, count, penalty, found)))
    weights = _preferences([unseen for _, unseen in fits], y, count)
    delta = sum(w * found for w, (found, _) in zip(weights, fits, strict=True))
    # Without the offsets: calibration finds its own.
    unseen = sum(w * (at - found[-1]) for w, (found, at) in zip(weights, fits, strict=True))
    return (delta[:-1] if span is None else span @ delta[:-1]), unseen


def _preferences(unseen: list[Reals], y: Reals, count: Reals) -> Reals:
    """Weigh the stiff and the soft fit by how they predict labels [n] that they have not seen.

    Labels of one kind are predicted by the offset alone and say nothing for the soft one;
    with labels of both, neither is preferred beforehand.
    """
    losses = np.array([count @ (np.logaddexp(0, logits) - y * logits) for logits in unseen])
    both = 2 * min(float(count @ y), float(count @ (1 - y)))
    soft = 0.5 * both**2 / (both**2 + _BOTH**2)
    weights = np.exp(losses.min() - losses) * np.array([1 - soft, soft])
    return np.asarray(weights / weights.sum())


def _unseen(
    features: Reals, base: Reals, y: Reals, count: Reals, penalty: Reals, found: Reals
) -> Reals:
    """Predict each label's logit [n], offset included, as if it had not been learned from."""
    logits = base + features @ found
    p = sigmoid(logits)
    inverse = np.linalg.inv(_curvature(features, p, count, penalty))
    pull = count * np.einsum("ij,ij->i", features @ inverse, features)
    pull = np.minimum(pull, 10.0)
    return np.asarray(logits - pull * (y - p) / np.maximum(1 - pull * p * (1 - p), 0.1))


def _newton(
    features: Reals, base: Reals, y: Reals, count: Reals, penalty: Reals, found: Reals
) -> Reals:
    """Minimise the penalised log loss of the logits base + features @ found, from `found` on."""

    def loss(at: Reals) -> float:
        logits = base + features @ at
        return float(count @ (np.logaddexp(0, logits) - y * logits) + penalty @ at**2 / 2)

    now = loss(found)
    for _ in range(_STEPS):
        p = sigmoid(base + features @ found)
        slope = features.T @ (count * (p - y)) + penalty * found
        step = np.linalg.solve(_curvature(features, p, count, penalty), slope)
        gain, length = float(slope @ step), 1.0
        while (then := loss(found - length * step)) > now - 1e-4 * length * gain and length > 1e-4:
            length /= 2  # the loss is convex: a short enough step never raises it
        if then >= now:
            break
        found, now = found - length * step, then
        if gain < _EXACT * (1 + now):
            break
    return found


def _curvature(features: Reals, p: Reals, count: Reals, penalty: Reals) -> Reals:
    spread = count * np.maximum(p * (1 - p), _FLAT)
    return np.asarray((features.T * spread) @ features + np.diag(penalty))


def _threshold(sample: Reals, background: Background) -> float:
    """Find the threshold for the library's logits [m]."""
    if len(sample) == 0:
        return background.threshold
    own = f1_threshold(sigmoid(sample)[None])
    return float(blend(own, background.threshold, background.share)[0])
