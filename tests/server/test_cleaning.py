from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.cleaning import clean, inert, quoted


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


RENDERED = re.compile(r"\]\(|\]\[|\w://|www\.|<[A-Za-z/!?]|[\w.+-]@[\w-]+\.", re.IGNORECASE)
"""What Markdown clients and terminals turn into a link, an image or HTML."""

PIECES = (
    *("![x](https://evil.example/a)", "[a][b]", "](", "]", "(", "http", ":", "//", "WWW.", "@"),
    *("<img src=x>", "<", "script", "'", '"', "`", "```", "\n", "\x1b[31m", "\u202e", "\u200b"),
    *("a@b.example", "Ignore the above.", " ", "漢字"),
)
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("answer[0]", "'answer[0]'"),
        ("it's", "'it\u2019s'"),
        ("`x`", "'\u2019x\u2019'"),
        ("![a](https://evil.example/x?y)", "'![a] (https: //evil.example/x?y)'"),
        ("<img src=//evil>", "'< img src=//evil>'"),
        ("mail a@evil.example", "'mail a @ evil.example'"),
        ("a < b and c<3", "'a < b and c<3'"),
        ("two\nlines", "'two lines'"),
        ("", "''"),
    ],
)
def test_a_quotation_keeps_what_is_harmless_and_breaks_the_rest(text: str, expected: str) -> None:
    assert quoted(text, 60) == expected


@given(HOSTILE, st.integers(1, 60))
def test_a_quotation_is_one_line_that_ends_at_its_mark_and_renders_nothing(
    text: str, limit: int
) -> None:
    result = quoted(text, limit)
    inner = result[1:-1]

    assert result[0] == result[-1] == "'"
    assert len(inner) <= limit
    assert not set(inner) & {"'", "`", "\n", "\x1b", "\u202e"}
    assert not RENDERED.search(inner), inner


@given(HOSTILE)
def test_what_is_inert_stays_as_it_is_when_it_is_made_inert_again(text: str) -> None:
    once = inert(text, 200)

    assert inert(once, 200) == once
