"""Computes the recorded values; runs with the libraries of `packages/libraries.lock` alone."""

# ruff: noqa: T201
# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import statsmodels.api as sm  # noqa: E402
from irrCAC.raw import CAC  # noqa: E402
from ppi_py import ppi_mean_pointestimate  # noqa: E402
from sklearn.metrics import cohen_kappa_score, confusion_matrix, recall_score  # noqa: E402
from statsmodels.stats.proportion import (  # noqa: E402
    confint_proportions_2indep,
    proportion_confint,
)
from truescore.agreement import gwet_ac1  # noqa: E402
from truescore.correct import rogan_gladen_estimate  # noqa: E402

LIBRARIES = ("irrCAC", "ppi-python", "scikit-learn", "statsmodels", "truescore")
CASES = 8


def main(target: Path, clone: str | None) -> None:
    """Write the values to a file; those of Lee et al. stay as they are without a clone."""
    numbers = np.random.default_rng(2026)
    recorded: dict[str, Any] = {
        "libraries": {name: version(name) for name in LIBRARIES},
        "labels": [_labels(numbers) for _ in range(CASES)],
        "scores": [_scores(numbers) for _ in range(CASES)],
        "rates": [_rates(numbers) for _ in range(CASES)],
        "lee": _lee(numbers, clone) if clone else json.loads(target.read_text())["lee"],
    }
    target.write_text(_text(recorded), encoding="utf-8")
    print(f"Recorded in {target}: {recorded['libraries']}")


def _text(recorded: dict[str, Any]) -> str:
    """Return the values as JSON, one case a line."""
    parts = []
    for name, value in recorded.items():
        cases = ",\n ".join(json.dumps(case) for case in value) if isinstance(value, list) else None
        parts.append(f"{json.dumps(name)}: {json.dumps(value) if cases is None else f'[{cases}]'}")
    return "{" + ",\n".join(parts) + "}\n"


def _labels(numbers: np.random.Generator) -> dict[str, Any]:
    """Agreement about labels: of the judge with a person."""
    size = int(numbers.integers(40, 200))
    names = np.array(["bad", "good", "mixed"][: int(numbers.integers(2, 4))])
    people = numbers.choice(names, size, p=numbers.dirichlet([4.0] * len(names)))
    judge = np.where(numbers.random(size) < 0.75, people, numbers.choice(names, size))
    people[: len(names)] = judge[: len(names)] = names
    frame = pd.DataFrame({"judge": judge, "people": people})
    passes = people == "good"
    return {
        "judge": judge.tolist(),
        "people": people.tolist(),
        "matrix": confusion_matrix(judge, people, labels=list(names)).tolist(),
        "names": names.tolist(),
        "kappa": float(cohen_kappa_score(judge, people)),
        "ac1_truescore": float(gwet_ac1(judge, people)),
        "ac1_irrcac": float(CAC(frame, weights="identity").gwet()["est"]["coefficient_value"]),
        "sensitivity": float(recall_score(passes, judge == "good")),
        "specificity": float(recall_score(~passes, judge != "good")),
    }


def _scores(numbers: np.random.Generator) -> dict[str, Any]:
    """Scores of a judge and labels for the first of them: a regression, and a weighted kappa."""
    size, labelled = int(numbers.integers(200, 600)), int(numbers.integers(30, 90))
    people = numbers.integers(1, 6, size).astype(float)
    judge = np.clip(people + numbers.integers(-2, 2, size), 1, 5)
    y, f = people[:labelled], judge[:labelled]
    fit = sm.OLS(y, sm.add_constant(f)).fit(cov_type="HC3")
    slope = float(fit.params[1])
    at_mean = np.array([1.0, judge.mean()])
    point = ppi_mean_pointestimate(y, f, judge[labelled:], lam=slope * (size - labelled) / size)
    return {
        "judge": judge.astype(int).tolist(),
        "people": y.astype(int).tolist(),
        "slope": slope,
        "mean_ppi": float(np.ravel(point)[0]),
        "mean_statsmodels": float(at_mean @ fit.params),
        "variance_hc3": float(at_mean @ fit.cov_params() @ at_mean),
        "weighted_kappa": float(cohen_kappa_score(f, y, weights="quadratic")),
    }


def _rates(numbers: np.random.Generator) -> dict[str, Any]:
    """Pass rates of two classes, their intervals, and the rate corrected for the errors."""
    size, labelled = int(numbers.integers(300, 900)), int(numbers.integers(60, 200))
    people = (numbers.random(size) < numbers.uniform(0.4, 0.8)).astype(int)
    judge = np.where(numbers.random(size) < 0.85, people, 1 - people)
    y, f = people[:labelled], judge[:labelled]
    p1, n1 = int(y[f == 1].sum()), int((f == 1).sum())
    p0, n0 = int(y[f == 0].sum()), int((f == 0).sum())
    # The sum of two rates is a difference of one rate and the inverse of the other.
    low, high = confint_proportions_2indep(p1, n1, n0 - p0, n0, method="newcomb", compare="diff")
    point = ppi_mean_pointestimate(
        y.astype(float),
        f.astype(float),
        judge[labelled:].astype(float),
        lam=float(np.cov(y, f)[0, 1] / np.var(f, ddof=1)) * (size - labelled) / size,
    )
    corrected = rogan_gladen_estimate(judge, y, np.arange(labelled))
    return {
        "rows": [int(judge.sum()), int(size - judge.sum())],
        "strata": [[p1, n1], [p0, n0]],
        "rate_ppi": float(np.ravel(point)[0]),
        "half_sum": [float((1 + low) / 2), float((1 + high) / 2)],
        "wilson": [float(end) for end in proportion_confint(p1, n1, method="wilson")],
        "classes": [
            int((y == 1).sum()),
            int(f[y == 1].sum()),
            int((y == 0).sum()),
            int((1 - f)[y == 0].sum()),
        ],
        "rogan_gladen": float(corrected.point),
    }


def _lee(numbers: np.random.Generator, clone: str) -> list[dict[str, Any]]:
    sys.path.insert(0, clone)
    from llm_judge_reporting.calibration import confidence_interval  # noqa: PLC0415

    cases: list[dict[str, Any]] = []
    for _ in range(CASES):
        n, failing, passing = (int(each) for each in numbers.integers(20, 900, 3))
        truth, right = numbers.random(), numbers.uniform(0.6, 1, 2)
        passed = int(n * (truth * right[1] + (1 - truth) * (1 - right[0])))
        failed, both = int(right[0] * failing), int(right[1] * passing)
        ends = confidence_interval(
            passed / n, failed / failing, both / passing, n, failing, passing
        )
        cases.append(
            {
                "passed": passed,
                "n": n,
                "classes": [passing, both, failing, failed],
                "interval": [float(end) for end in ends],
            }
        )
    return cases


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
