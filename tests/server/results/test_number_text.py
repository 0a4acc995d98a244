import pytest

from evals_mcp.results.number_text import ends, p_text, percent, percent_ends, score_ends


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (p_text(0.0501), "p = 0.0501"),
        (p_text(0.04996), "p = 0.04996"),
        (p_text(0.0004), "p < 0.001"),
        (ends(-0.019, 3.8), "-0.02 to 3.80"),
        (ends(-4.249, -3.691), "-4.2 to -3.7"),
        (percent(99.995), "99.995"),
        (percent_ends(99.9996, 100.0), "99.9996 to 100.0000"),
        (score_ends(7.123456, 7.123457), "7.123456 to 7.123457"),
    ],
)
def test_rounding_hides_neither_a_sign_nor_a_width_nor_the_side_of_a_limit(
    text: str, expected: str
) -> None:
    assert text == expected
