from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from evals_mcp.results.statistics.agreement import cohens_kappa, gwets_ac1
from evals_mcp.results.statistics.correlation import quadratic_kappa
from tests.server.results.statistics.corrections.recorded import recorded


@pytest.mark.parametrize("case", recorded("labels"))
def test_agreement_about_labels_is_that_of_the_libraries(case: dict[str, Any]) -> None:
    table = Counter(zip(case["judge"], case["people"], strict=True))

    ac1 = gwets_ac1(table, len(case["names"]))

    assert cohens_kappa(table) == pytest.approx(case["kappa"], abs=1e-9)
    assert ac1 == pytest.approx(case["ac1_truescore"], abs=1e-9)
    assert ac1 == pytest.approx(case["ac1_irrcac"], abs=6e-6), "irrCAC rounds to five digits"


@pytest.mark.parametrize("case", recorded("scores"))
def test_the_weighted_kappa_of_scores_is_that_of_scikit_learn(case: dict[str, Any]) -> None:
    pairs = Counter(zip(map(float, case["judge"]), map(float, case["people"]), strict=False))

    assert quadratic_kappa(pairs) == pytest.approx(case["weighted_kappa"], abs=1e-9)
