"""Learn a tag from yes and no, without leaving what its text says.

The head is the zero-shot one plus what the labels ask for, w = slope * text + delta: logistic
regression with a Gaussian prior around the text's classifier (as in Bayesian model adaptation,
Chelba and Acero 2004, Adaptation of Maximum Entropy Capitalizer). Delta is penalised in the
metric of the library's own covariance, shrunk towards the identity: directions in which its
pictures hardly vary, and which tell fine kinds apart, cost less than those in which all do.
Few labels move a tag little, whatever they say.

People do not label at random: half of the labels may be yes for a tag that holds for one picture
in a thousand. So what the labels tell is taken as a likelihood ratio, and how often the tag holds
comes from the library:

1. Each label's logit is predicted as if it had not been seen (approximate leave-one-out: Rad and
   Maleki 2020, A scalable estimate of the out-of-sample prediction error), and a slope and an
   intercept are fitted to these with both classes weighing the same (Platt 1999; King and Zeng
   2001 for the weighting), anchored at the zero-shot ones. The library's sample joins the no.
2. The share of pictures that hold the tag is estimated on the library's sample, given these
   likelihood ratios, by expectation maximisation (Saerens, Latinne and Decaestecker 2002).
3. The threshold follows as for zero-shot tags, on the new probabilities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soutu.library.tagging.heads import PRIOR, Head
from soutu.library.tagging.thresholds import blend, f1_threshold, sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soutu.library.tagging.heads import Background
    from soutu.types import Vectors

    Reals = NDArray[np.float64]

STIFFNESS = 0.03
"""Penalty on delta: the weight of the text against the labels."""

_OFFSET = 0.03  # penalty on the intercept during learning; it takes up how people chose
_ANCHOR_SLOPE, _ANCHOR_INTERCEPT = 40.0, 0.5  # penalties of the calibration, in labels
# The library's sample counts as this many labels no: nearly all of it is no, and labels from a
# review queue are not typical, since they were chosen for being hard.
_LIBRARY = 30.0
_PRIOR_WEIGHT = 1.0  # zero-shot estimate of the share, against the library's sample
_SHARES = (1e-3, 0.5)  # bounds on the zero-shot estimate
_TRUST = 4.0  # labels of both kinds at which learned and zero-shot calibration weigh the same
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
    slope, intercept = _calibrate(unseen, said, count, sample, start)
    bias = intercept - slope * float(mean @ learned)
    return Head(
        weights=(slope * learned).astype(np.float32),
        bias=bias,
        threshold=_threshold(slope * sample + intercept, background),
        source="learned" if len(y) else "zero-shot",
    )


def _drift(z: Reals, base: Reals, y: Reals, count: Reals) -> tuple[Reals, Reals]:
    """Fit logits base + z @ delta + offset; return delta [dim] and the logits as if unseen [n].

    Newton's method. With fewer labels than dimensions delta lies in the span of the labelled
    pictures, so it is sought there: n unknowns instead of dim.
    """
    if len(z) == 0:
        return np.zeros(z.shape[1]), base
    span = None
    if len(z) < z.shape[1]:
        span, upper = np.linalg.qr(z.T)
        z = upper.T
    features = np.hstack([z, np.ones((len(z), 1))])
    penalty = np.full(features.shape[1], STIFFNESS)
    penalty[-1] = _OFFSET
    found = _newton(features, base, y, count, penalty)
    p = sigmoid(base + features @ found)
    inverse = np.linalg.inv(_curvature(features, p, count, penalty))
    pull = count * np.einsum("ij,jk,ik->i", features, inverse, features, optimize=True)
    pull = np.minimum(pull, 10.0)
    unseen = base + z @ found[:-1] - pull * (y - p) / np.maximum(1 - pull * p * (1 - p), 0.1)
    return (found[:-1] if span is None else span @ found[:-1]), unseen


def _newton(features: Reals, base: Reals, y: Reals, count: Reals, penalty: Reals) -> Reals:
    """Minimise the penalised log loss of the logits base + features @ found."""

    def loss(at: Reals) -> float:
        logits = base + features @ at
        return float(count @ (np.logaddexp(0, logits) - y * logits) + penalty @ at**2 / 2)

    found = np.zeros(features.shape[1])
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


def _calibrate(
    scores: Reals, y: Reals, count: Reals, sample: Reals, start: float
) -> tuple[float, float]:
    """Return slope and intercept that turn scores into calibrated logits.

    `scores` [n] are those of the labels as if unseen, `sample` [m] those of the library and
    `start` is the zero-shot intercept, with slope 1.
    """
    yes, no = float(count @ y), float(count @ (1 - y))
    if yes == 0:
        return 1.0, start
    share = float(np.clip(sigmoid(sample + start).mean() if len(sample) else PRIOR, *_SHARES))
    ratio = start - float(np.log(share / (1 - share)))  # logits of an even share
    slope, intercept = _platt(scores, y, count, sample, ratio)
    found = _share(slope * sample + intercept, share)
    final = intercept + float(np.log(found / (1 - found)))
    both = 2 * min(yes, no)
    trust = both**2 / (both**2 + _TRUST**2)
    return float(slope**trust), start + trust * (final - start)


def _platt(
    scores: Reals, y: Reals, count: Reals, sample: Reals, start: float
) -> tuple[float, float]:
    """Fit slope and intercept with both classes weighing the same, anchored at 1 and `start`."""
    few = sample[:: max(1, len(sample) // 256)]
    s = np.concatenate([scores, few])
    said = np.concatenate([y, np.zeros(len(few))])
    weight = np.concatenate([count, np.full(len(few), _LIBRARY / max(1, len(few)))])
    yes, no = float(weight @ said), float(weight @ (1 - said))
    weight *= np.where(said > 0, (yes + no) / 2 / yes, (yes + no) / 2 / max(no, 1e-9))
    anchor = np.array([_ANCHOR_SLOPE, _ANCHOR_INTERCEPT])
    at = np.array([0.0, start])  # logarithm of the slope, so that it stays positive
    for _ in range(_STEPS):
        slope = float(np.exp(at[0]))
        p = sigmoid(slope * s + at[1])
        inputs = np.stack([slope * s, np.ones(len(s))])
        gradient = inputs @ (weight * (p - said)) + anchor * (at - [0.0, start])
        bend = (inputs * (weight * np.maximum(p * (1 - p), _FLAT))) @ inputs.T + np.diag(anchor)
        step = np.clip(np.linalg.solve(bend, gradient), -0.5, 0.5)
        at = np.clip(at - step, [-2.0, start - 12], [2.0, start + 12])
        if np.abs(step).max() < 1e-5:
            break
    return float(np.exp(at[0])), float(at[1])


def _share(ratios: Reals, expected: float) -> float:
    """Estimate how often a tag holds, from logits [m] that suppose it holds for every second.

    Expectation maximisation, held at the `expected` share as by further pictures.
    """
    if len(ratios) == 0:
        return expected
    share = expected
    for _ in range(_STEPS):
        seen = float(sigmoid(ratios + np.log(share / (1 - share))).mean())
        share = (seen + _PRIOR_WEIGHT * expected) / (1 + _PRIOR_WEIGHT)
    return min(max(share, 1e-6), 1 - 1e-6)


def _threshold(sample: Reals, background: Background) -> float:
    """Find the threshold for the library's logits [m]."""
    if len(sample) == 0:
        return background.threshold
    own = f1_threshold(sigmoid(sample)[None])
    return float(blend(own, background.threshold, background.share)[0])
