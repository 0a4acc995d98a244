from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.errors import InvalidRequestError
from evals_mcp.launching.agreed_estimate import Estimate
from evals_mcp.launching.codes import ConfirmCodes
from evals_schemas.tools.plans import Range
from tests.server.fake_provider import NOON

KEY = b"k" * 32
ESTIMATE = Estimate(2000, Range(low=1.2, high=3.4))


class Time:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def codes(key: bytes = KEY, time: Time | None = None) -> ConfirmCodes:
    return ConfirmCodes(key, time or Time())


def issued(**changes: object) -> str:
    again = bool(changes.get("again", False))
    return codes().issue("account", "request", ESTIMATE, 900, again=again).text


def test_a_code_stands_for_the_request_it_was_given_out_for() -> None:
    time = Time()
    text = codes(time=time).issue("account", "request", ESTIMATE, 900, again=False).text
    time.now += timedelta(seconds=900)
    code = codes(time=time).read(f" {text}\n", "account")

    assert codes(time=time).rejection(code, "request", ESTIMATE, again=False) is None
    assert (code.issued, code.lifetime, code.again) == (NOON, 900, False)


def test_a_code_can_be_typed_and_stands_in_a_url() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{60}", issued())


@pytest.mark.parametrize("place", range(60))
def test_a_code_with_any_character_changed_is_none(place: int) -> None:
    text = issued()
    other = "A" if text[place] != "A" else "B"
    with pytest.raises(InvalidRequestError, match="not a code that this server has issued"):
        codes().read(text[:place] + other + text[place + 1 :], "account")


@given(st.text(max_size=80))
def test_no_text_is_taken_for_a_code(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        codes().read(text, "account")


@pytest.mark.parametrize(
    ("key", "account"), [(KEY, "somebody else"), (b"x" * 32, "account"), (KEY, "")]
)
def test_a_foreign_code_an_altered_one_and_one_of_another_key_read_alike(
    key: bytes, account: str
) -> None:
    with pytest.raises(InvalidRequestError) as foreign:
        codes(key).read(issued(), account)
    with pytest.raises(InvalidRequestError) as altered:
        codes().read(issued()[:-1], "account")
    assert str(foreign.value) == str(altered.value)


def test_a_code_that_has_expired_says_so() -> None:
    time = Time()
    made = codes(time=time)
    code = made.issue("account", "request", ESTIMATE, 60, again=False)
    time.now += timedelta(seconds=61)

    assert made.rejection(code, "request", ESTIMATE, again=False) == (
        "The code has expired; it was valid for 60 s."
    )


def test_a_code_for_another_request_says_so() -> None:
    code = codes().read(issued(), "account")
    assert "a field has changed" in str(codes().rejection(code, "other", ESTIMATE, again=False))


@pytest.mark.parametrize(
    ("estimate", "told"),
    [
        (Estimate(2001, ESTIMATE.cost), "to 2,001 model calls, estimated cost $1.20 to $3.40"),
        (Estimate(1999, ESTIMATE.cost), "to 1,999 model calls"),
        (Estimate(2000, Range(low=1.2, high=3.41)), "to 2,000 model calls, estimated cost $1.20"),
        (Estimate(2000, None), "to 2,000 model calls, price unknown"),
        (Estimate(None, None), "to an unknown number of model calls, price unknown"),
        (Estimate(0, None), "to 0 model calls, no cost"),
    ],
)
def test_a_code_at_another_estimate_says_from_what_to_what(estimate: Estimate, told: str) -> None:
    code = codes().read(issued(), "account")
    text = str(codes().rejection(code, "request", estimate, again=False))

    assert "changed from 2,000 model calls, estimated cost $1.20 to $3.40 " in text
    assert told in text


def test_an_estimate_that_reads_the_same_is_the_same() -> None:
    code = codes().read(issued(), "account")
    same = Estimate(2000, Range(low=1.2049, high=3.3951))
    assert codes().rejection(code, "request", same, again=False) is None


@pytest.mark.parametrize(
    "cost", [Range(low=1, high=3.39), Range(low=2, high=3.4), Range(low=0, high=0)]
)
def test_a_code_holds_when_the_estimate_falls(cost: Range) -> None:
    code = codes().read(issued(), "account")
    assert codes().rejection(code, "request", Estimate(2000, cost), again=False) is None


def test_a_code_at_no_known_price_does_not_hold_once_there_is_one() -> None:
    unknown = Estimate(20, None)
    code = codes().issue("account", "request", unknown, 900, again=False)
    known = Estimate(20, Range(low=0, high=0))

    assert codes().rejection(code, "request", unknown, again=False) is None
    assert "price unknown to" in str(codes().rejection(code, "request", known, again=False))


@pytest.mark.parametrize("wanted", [True, False])
def test_a_code_for_another_one_says_so_and_no_other_code_does(wanted: bool) -> None:
    code = codes().read(issued(again=wanted), "account")

    assert code.again is wanted
    assert codes().rejection(code, "request", ESTIMATE, again=False) is None
    assert (codes().rejection(code, "request", ESTIMATE, again=True) is None) is wanted


def test_every_process_derives_the_same_creation_key_from_a_code() -> None:
    code, other = codes().read(issued(), "account"), codes().read(issued(again=True), "account")

    assert codes().creation_key(code) == codes().creation_key(code)
    assert codes().creation_key(code) != codes().creation_key(other)
    assert codes(b"x" * 32).creation_key(code) != codes().creation_key(code)
