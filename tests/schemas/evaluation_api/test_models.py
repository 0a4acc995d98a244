from __future__ import annotations

import pytest

from evals_schemas.evaluation_api.models import HIGHEST_PRICE, Pricing


@pytest.mark.parametrize("price", [1e308, float("inf"), HIGHEST_PRICE * 1.01])
def test_a_price_that_cannot_be_right_is_unknown(price: float) -> None:
    pricing = Pricing(input=price, output=0.5)

    assert pricing.input is None
    assert pricing.output == 0.5
