"""Turn a learned head's scores into probabilities, from labels that people did not draw at random.

What a label tells depends on how its picture came to be judged, which nobody records. Two ways
cover what people do:

- By answer: so many yes and so many no, whatever they score. Then labels tell how much likelier a
  score is for a yes than for a no. Slope and intercept are fitted with both classes weighing the
  same (Platt 1999; King and Zeng 2001), the library's sample joining the no; how often the tag
  holds is estimated on the sample by expectation maximisation (Saerens, Latinne and Decaestecker
  2002).
- By score: the review queue asks near the threshold, and people correct the top of a tag's list.
  Then the share of yes among labels of a score is the probability itself (covariate shift:
  Shimodaira 2000), and the fit is a plain one. Where there are no labels it knows nothing, so it
  is held at the share of pictures that the calibration without labels gives.

The no tell which it was: drawn by answer, they score like any picture of the library; drawn by
score, they come from its top. The two fits are averaged by the probability of their ways
(Bayesian model averaging: Hoeting, Madigan, Raftery and Volinsky 1999).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from soutu.heads.base import sigmoid
from soutu.library.tagging.heads import PRIOR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Reals = NDArray[np.float64]

_TRUST = 3.0  # labels of both kinds at which learned and zero-shot calibration weigh the same
_SHARES = (1e-3, 0.5)  # bounds on the zero-shot estimate of how often a tag holds
_WRONG = 0.03  # share of labels taken to be wrong, so that a few cannot flatten the slope

# By answer. The sample counts as this many labels no, since nearly all of it is no.
_LIBRARY = 30.0
_BY_ANSWER = (40.0, 0.5)  # penalties of slope and intercept, in labels
_PRIOR_WEIGHT = 1.0  # zero-shot estimate of the share, against the library's sample

# By score.
_BY_SCORE = (3.0, 0.1)
_HELD = 4.0  # penalty on the share, in labels
_TOP = 8.0  # density of a score's rank, Beta(_TOP, 1) ...
_ANYWHERE = 0.2  # ... but for this share of labels, drawn from everywhere: the queue has such

_SEEN = 512  # pictures of the sample that are looked at while fitting
_STEPS = 30
_EXACT = 1e-5  # of slope and intercept
_FLAT = 1e-6  # least curvature of the loss at a label, where exp() has underflowed


def calibrate(
    scores: Reals, y: Reals, count: Reals, sample: Reals, start: float
) -> tuple[float, float]:
    """Return slope and intercept that turn scores into calibrated logits.

    `scores` [n] are those of the labels as if unseen, `y` [n] what was said, 0 or 1, `count` [n]
    how much each counts, `sample` [m] the scores of the library and `start` the intercept without
    labels, whose slope is 1. Labels of one kind cannot tell how often a tag holds; with these both
    stay as they would be without labels.
    """
    both = 2 * min(float(count @ y), float(count @ (1 - y)))
    if both == 0:
        return 1.0, start
    sample = sample[:: max(1, len(sample) // _SEEN)]
    mean = float(sigmoid(sample + start).mean()) if len(sample) else PRIOR
    share = float(np.clip(mean, *_SHARES))
    answer = _by_answer(scores, y, count, sample, start, share)
    score = _fit(scores, y, count, start, np.array(_BY_SCORE), sample, share)
    weight = _drawn_by_answer(scores, count * (1 - y), sample)
    slope, intercept = weight * np.array(answer) + (1 - weight) * np.array(score)
    trust = both**2 / (both**2 + _TRUST**2)
    return float(np.exp(trust * slope)), start + trust * (float(intercept) - start)


def _by_answer(
    scores: Reals, y: Reals, count: Reals, sample: Reals, start: float, share: float
) -> tuple[float, float]:
    """Return the logarithm of the slope and the intercept for labels drawn by answer."""
    few = sample[::2]
    said = np.concatenate([y, np.zeros(len(few))])
    weight = np.concatenate([count, np.full(len(few), _LIBRARY / max(1, len(few)))])
    yes, no = float(weight @ said), float(weight @ (1 - said))
    weight *= (yes + no) / 2 / np.where(said > 0, yes, no)
    even = start - _log_odds(share)  # logits that suppose it holds for every second
    every = np.concatenate([scores, few])
    slope, intercept = _fit(every, said, weight, even, np.array(_BY_ANSWER))
    found = _share(np.exp(slope) * sample + intercept, share)
    return slope, intercept + _log_odds(found)


def _drawn_by_answer(scores: Reals, no: Reals, sample: Reals) -> float:
    """Return the probability that labels were drawn by answer, from how high the no score.

    `no` [n] are the counts of the labels no, 0 for the others. The rank of a score among the
    library's is uniform if drawn by answer, near 1 if drawn by score.
    """
    if len(sample) == 0:
        return 0.5
    rank = np.searchsorted(np.sort(sample), scores) / len(sample)
    near_top = (1 - _ANYWHERE) * _TOP * rank ** (_TOP - 1) + _ANYWHERE
    return float(sigmoid(np.array([-float(no @ np.log(near_top))]))[0])


def _fit(
    scores: Reals,
    said: Reals,
    weight: Reals,
    start: float,
    penalty: Reals,
    sample: Reals | None = None,
    share: float = 0.5,
) -> tuple[float, float]:
    """Fit the logarithm of a slope and an intercept, anchored at 0 and `start`.

    Scoring steps on the log loss in which every label is wrong with a small probability; with a
    `sample` [m], also held at the logarithmic odds of its mean probability being `share`.
    """
    at = np.array([0.0, start])  # logarithm of the slope, so that it stays positive
    for _ in range(_STEPS):
        slope = float(np.exp(at[0]))
        p = sigmoid(slope * scores + at[1])
        inputs = np.stack([slope * scores, np.ones(len(scores))])
        says = _WRONG + (1 - 2 * _WRONG) * p
        rate = (1 - 2 * _WRONG) * p * (1 - p) / (says * (1 - says))
        bend = weight * np.maximum(rate**2 * says * (1 - says), _FLAT)
        gradient = inputs @ (weight * rate * (says - said)) + penalty * (at - [0.0, start])
        curve = (inputs * bend) @ inputs.T + np.diag(penalty)
        if sample is not None and len(sample):
            off, along = _off_share(sample, slope, float(at[1]), share)
            gradient += _HELD * off * along
            curve += _HELD * np.outer(along, along)
        step = np.clip(np.linalg.solve(curve, gradient), -0.5, 0.5)
        at = np.clip(at - step, [-2.0, start - 12], [2.0, start + 12])
        if np.abs(step).max() < _EXACT:
            break
    return float(at[0]), float(at[1])


def _off_share(sample: Reals, slope: float, intercept: float, share: float) -> tuple[float, Reals]:
    """Return how far the mean probability is from `share`, in logits, and its gradient [2]."""
    p = sigmoid(slope * sample + intercept)
    mean = float(np.clip(p.mean(), 1e-6, 1 - 1e-6))
    spread = p * (1 - p)
    along = np.array([slope * float((sample * spread).mean()), float(spread.mean())])
    return _log_odds(mean) - _log_odds(share), along / (mean * (1 - mean))


def _share(ratios: Reals, expected: float) -> float:
    """Estimate how often a tag holds, from logits [m] that suppose it holds for every second.

    Expectation maximisation, held at the `expected` share as by further pictures.
    """
    if len(ratios) == 0:
        return expected
    share = expected
    for _ in range(_STEPS):
        seen = float(sigmoid(ratios + _log_odds(share)).mean())
        share = (seen + _PRIOR_WEIGHT * expected) / (1 + _PRIOR_WEIGHT)
    return min(max(share, 1e-6), 1 - 1e-6)


def _log_odds(share: float) -> float:
    return float(np.log(share / (1 - share)))
