"""Prints the logarithms of confseq's betting martingales for drawn rows; see `recorded_bets`."""

import json
import math
import sys
from importlib import import_module
from typing import Any

SHARES = [0.95 * 2 ** (-step / 2) for step in range(12)]
CASES = 40


def main(source: str) -> None:
    numpy: Any = import_module("numpy")
    numpy.float_ = numpy.float64  # the name that the library uses, removed in NumPy 2
    sys.path.insert(0, source)
    betting: Any = import_module("confseq.betting")
    numbers = numpy.random.default_rng(4)
    wealths: list[dict[str, Any]] = []
    for _ in range(CASES // 2):
        rows = int(numbers.integers(5, 200))
        values = numbers.choice([0, 0.25, 0.5, 1], rows, p=[0.25, 0.1, 0.25, 0.4])
        mean = float(numbers.uniform(0.1, 0.9))
        counts = {str(value): int((values == value).sum()) for value in numpy.unique(values)}
        for side, theta, room in (("above", 1, mean), ("below", 0, 1 - mean)):
            bets = [_wealth(betting, values, mean, theta, share / room) for share in SHARES]
            case = {"side": side, "mean": mean, "counts": counts}
            wealths.append(case | {"log_wealth": math.log(math.fsum(bets) / len(bets))})
    print(json.dumps({"library": "confseq 0.0.11", "wealths": wealths}, indent=1))


def _wealth(betting: Any, values: Any, mean: float, theta: int, bet: float) -> float:
    """Return what a constant bet has become after all rows."""

    def constant(rows: Any, _: float) -> Any:
        return 0 * rows + bet

    wealth = betting.betting_mart(
        values,
        mean,
        theta=theta,
        trunc_scale=1,
        lambdas_fn_positive=constant,
        lambdas_fn_negative=constant,
    )
    return float(wealth[-1])


main(sys.argv[1])
