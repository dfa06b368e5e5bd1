"""Two networks on the same test samples: an exact test of their difference, and a bound of how large a loss could be.

Test: McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 12 (1947), in its exact form: of the samples on which the two differ, as many are lost as gained, each by
the toss of a coin. Bound: the score interval of Tango, "Equivalence test and confidence interval for the difference in
proportions for the paired-sample design", Statistics in Medicine 17 (1998), of which one side is taken: a loss is free
where even the largest loss that the samples leave possible lies below a margin. Fewer samples leave larger losses
possible, and so less is free.

Several seeds are tested on the same samples, which makes them no new samples. Rao and Scott, "A simple method for the
analysis of clustered binary data", Biometrics 48 (1992): counts are divided by the design effect, the variance found
between samples over that of as many pairs which had nothing to do with each other. Here it is at least 1, nothing
gained by chance, and at most the number of seeds, the samples of one. All of this is said of the networks that were
trained: what other seeds would give is not in a bound, and shown by the spread of the accuracies beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z_ONE_SIDED_95 = 1.6448536269514722
"""Standard deviations of a normal distribution below which 95 % of it lie."""
SIGNIFICANT = 0.05
"""A difference with a smaller p is called significant: the convention."""
_HALVINGS = 60  # of the range in which a bound is looked for: down to the last digit


@dataclass(frozen=True)
class PairedComparison:
    """What a candidate loses against a reference.

    samples: of the test set; seeds: trainings of each. lost, gained: of all pairs of a sample and a seed, those where
    only the reference, or only the candidate, found the class. lost_samples, gained_samples: samples whose class the
    reference, or the candidate, found with more of the seeds. design_effect: see the module.
    """

    samples: int
    seeds: int
    lost: int
    gained: int
    lost_samples: int
    gained_samples: int
    design_effect: float

    @property
    def loss(self) -> float:
        """Accuracy that is given up, share of the samples, mean over the seeds; below 0 where it is gained."""
        return (self.lost - self.gained) / (self.samples * self.seeds)

    @property
    def bound(self) -> float:
        """The loss is at most that, at 95 % confidence."""
        pairs = self.samples * self.seeds
        return loss_bound(*(count / self.design_effect for count in (self.lost, self.gained, pairs)))

    @property
    def p_value(self) -> float:
        """Of the exact test that both are equally good; with several seeds, by the samples."""
        return mcnemar_p(self.lost_samples, self.gained_samples)


def compare(reference: Sequence[str], candidate: Sequence[str]) -> PairedComparison:
    """The comparison by what each found: per seed a text with a 1 or 0 for every test sample, in the same order.

    ValueError unless both have as many seeds, at least one, and all texts are of one length.
    """
    found = [np.array([list(text) for text in texts], dtype=np.str_) == "1" for texts in (reference, candidate)]
    if found[0].shape != found[1].shape or found[0].ndim != 2:
        raise ValueError(f"as many seeds and samples are needed of both, found {found[0].shape} and {found[1].shape}")
    lost, gained = found[0] & ~found[1], found[1] & ~found[0]
    seeds, samples = lost.shape
    of_sample = lost.sum(axis=0, dtype=np.int64) - gained.sum(axis=0, dtype=np.int64)
    return PairedComparison(
        samples=samples,
        seeds=seeds,
        lost=int(lost.sum()),
        gained=int(gained.sum()),
        lost_samples=int((of_sample > 0).sum()),
        gained_samples=int((of_sample < 0).sum()),
        design_effect=_design_effect(int(lost.sum()), int(gained.sum()), seeds, of_sample.tolist()),
    )


def mcnemar_p(lost: int, gained: int) -> float:
    """Two-sided p of the exact test; 1 where the two never differ."""
    from scipy.stats import binomtest  # slow to import, and needed where there is something to compare only

    return float(binomtest(min(lost, gained), lost + gained, 0.5).pvalue) if lost + gained else 1.0


def loss_bound(lost: float, gained: float, pairs: float, z: float = Z_ONE_SIDED_95) -> float:
    """The largest share (lost - gained) / pairs that the counts leave possible.

    z: how sure that is; 95 % by default. Counts may be fractions, where they are divided by a design effect.
    """
    if lost >= pairs:
        return 1.0
    low, high = (lost - gained) / pairs, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _score(middle, lost, gained, pairs) > -z:
            low = middle
        else:
            high = middle
    return high


def _score(loss: float, lost: float, gained: float, pairs: float) -> float:
    """Standard deviations by which the counts lie above what `loss` lets expect (Tango 1998, equation 3)."""
    b = -lost - gained + (2 * pairs - lost + gained) * loss
    c = -gained * loss * (1 - loss)
    gained_share = (math.sqrt(max(0.0, b * b - 8 * pairs * c)) - b) / (4 * pairs)
    variance = pairs * (2 * gained_share + loss * (1 - loss))
    excess = lost - gained - pairs * loss
    return excess / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, excess)


def _design_effect(lost: int, gained: int, seeds: int, of_sample: Sequence[int]) -> float:
    """Variance of the loss between samples over that of pairs which are independent; 1 to the number of seeds."""
    samples = len(of_sample)
    pairs = samples * seeds
    independent = lost + gained - (lost - gained) ** 2 / pairs
    if seeds == 1 or samples == 1 or independent <= 0:
        return float(seeds)
    mean = (lost - gained) / samples
    between = sum((value - mean) ** 2 for value in of_sample) * samples / (samples - 1)
    return min(float(seeds), max(1.0, between / independent))
