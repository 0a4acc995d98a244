from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.cleaning import clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("plain text", "plain text", id="plain"),
        pytest.param("a\r\n\tb \x00\x07c", "a b c", id="control characters"),
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colours"),
        pytest.param("\x1b]8;;https://a.example\x07link\x1b]8;;\x07", "link", id="links"),
        pytest.param("\x9b1mbold", "bold", id="one-character sequence"),
        pytest.param("\x1b", "", id="broken sequence"),
        pytest.param("pass\u200bword\ufeff", "password", id="zero width"),
        pytest.param("a\u202eb\u2066c\u200fd", "abcd", id="bidirectional"),
        pytest.param("a\U000e0041\U000e0042b", "ab", id="tag characters"),
        pytest.param("a\U000e0100b\u3164c", "abc", id="selectors and fillers"),
        pytest.param("a\u2028b\u00a0c", "a b c", id="other white space"),
        pytest.param("naïve 漢字 🙂", "naïve 漢字 🙂", id="other scripts"),
        pytest.param("\ud800x", "x", id="lone surrogate"),
    ],
)
def test_what_cannot_be_seen_is_removed(text: str, expected: str) -> None:
    assert clean(text, 100) == expected


def test_a_cut_text_ends_in_an_ellipsis_within_the_limit() -> None:
    assert clean("abcdef", 6) == "abcdef"
    assert clean("abcdefg", 6) == "abcde…"


def test_line_breaks_are_kept_on_request() -> None:
    assert clean("a\r\nb  c\u202e\rd", 100, keep_lines=True) == "a\nb c\nd"


def test_a_wall_of_invisible_characters_is_cut_too() -> None:
    assert len(clean("\u200b" * 1_000_000 + "end", 10)) <= 10


@given(st.text(), st.integers(1, 50), st.booleans())
def test_the_result_is_bounded_and_visible(text: str, limit: int, keep_lines: bool) -> None:
    result = clean(text, limit, keep_lines=keep_lines)

    assert len(result) <= limit
    for char in result.replace("\n", "") if keep_lines else result:
        assert char == " " or unicodedata.category(char)[0] not in "CZ"


@given(st.text(), st.booleans())
def test_cleaning_again_changes_nothing(text: str, keep_lines: bool) -> None:
    once = clean(text, 200, keep_lines=keep_lines)
    assert clean(once, 200, keep_lines=keep_lines) == once
