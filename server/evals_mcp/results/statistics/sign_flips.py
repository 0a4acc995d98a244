"""The exact distribution of a sum of whole numbers whose signs are fair coins."""

from __future__ import annotations

import cmath
import math
from collections import Counter
from collections.abc import Mapping, Sequence

MOST_TERMS = 2_000_000
"""Terms of the transform above which nothing is computed; this many take about two seconds."""


def exact_flip_tails(numbers: Sequence[int], observed: int) -> float | None:
    """Return the share of sign patterns whose sum is at least as far from 0 as `observed`.

    None if the numbers are so large and different that counting would take too long.

    The sum of the numbers that keep their sign has a characteristic function that is a product;
    its distribution follows by a discrete Fourier transform over all sums. The distribution is
    tilted so that its mean is the observed sum, so that small shares keep their digits too. The
    relative error is near 1e-11; below the smallest float the result is 0.

    Source: M. Pagano, D. Tritchler, "On obtaining permutation distributions in polynomial time",
    JASA 78 (1983), 435-440.

    Args:
        numbers: whole numbers above 0.
        observed: the sum of the numbers with some pattern of signs, 0 or more.
    """
    if observed == 0:
        return 1.0
    divisor = math.gcd(*numbers)
    counts = Counter(number // divisor for number in numbers)
    total, observed = sum(numbers) // divisor, observed // divisor
    if observed == total:
        return math.ldexp(1.0, 1 - len(numbers))
    if (total + 1) * len(counts) > MOST_TERMS:
        return None
    return min(1.0, 2 * _upper_tail(counts, total, (total + observed) // 2))


def _upper_tail(counts: Mapping[int, int], total: int, least: int) -> float:
    """Return the probability that the numbers that keep their sign sum to `least` or more.

    `counts` has the number of times each number occurs; `least` is above half of the total.
    """
    tilt = _tilt(counts, least)
    shares = [(number, 1 / (1 + math.exp(-tilt * number)), m) for number, m in counts.items()]
    points, terms = total + 1, total - least + 1
    real_terms = [math.expm1(-tilt * terms) / math.expm1(-tilt)]
    for point in range(1, points // 2 + 1):
        angle = 2 * math.pi * point / points
        value = cmath.exp(-1j * (angle * least))
        for number, share, times in shares:
            value *= (1 - share + share * cmath.exp(1j * (angle * number))) ** times
        ratio = cmath.exp(complex(-tilt, -angle))
        value *= (1 - cmath.exp(complex(-tilt, -angle) * terms)) / (1 - ratio)
        real_terms.append(value.real if 2 * point == points else 2 * value.real)
    logarithm = math.fsum(m * math.log((1 + math.exp(-tilt * n)) / 2) for n, m in counts.items())
    # The exponent is that of the generating function, with the factor exp(tilt x total) taken out.
    return math.exp(logarithm + tilt * (total - least)) * math.fsum(real_terms) / points


def _tilt(counts: Mapping[int, int], least: int) -> float:
    """Return the tilt at which the numbers that keep their sign sum to `least` on average."""

    def mean(tilt: float) -> float:
        return math.fsum(m * n / (1 + math.exp(-tilt * n)) for n, m in counts.items())

    low, high = 0.0, 1.0
    while mean(high) < least:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if mean(middle) < least else (low, middle)
    return high
