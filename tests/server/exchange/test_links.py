"""Signed links: valid for their action, principal, subject, time and size, and for nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.exchange.links import MAX_SECONDS, PATH, LinkAction, LinkError, Links

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
BASE = "https://evals.example"


class Time:
    """A clock that a test moves."""

    now = START

    def __call__(self) -> datetime:
        return self.now


def token_of(url: str) -> str:
    assert url.startswith(BASE + PATH)
    return url.removeprefix(BASE + PATH)


def issued(links: Links, action: LinkAction = "upload", seconds: float = 60) -> str:
    return token_of(links.issue(action, "alice", "rows.csv", seconds=seconds, max_bytes=100))


def test_a_link_is_read_as_it_was_issued() -> None:
    links = Links(b"k" * 32, BASE + "/", Time())
    link = links.read(issued(links), "upload")
    assert (link.principal_id, link.subject, link.max_bytes) == ("alice", "rows.csv", 100)
    assert link.expires == START + timedelta(seconds=60)


def test_every_server_with_the_key_takes_it_and_no_other() -> None:
    token = issued(Links(b"k" * 32, BASE, Time()))
    assert Links(b"k" * 32, "https://other.example", Time()).read(token, "upload")
    with pytest.raises(LinkError, match="not valid for the action `upload`"):
        Links(b"o" * 32, BASE, Time()).read(token, "upload")


def test_a_link_for_one_action_allows_no_other() -> None:
    links = Links(b"k" * 32, BASE, Time())
    with pytest.raises(LinkError, match="not valid for the action `download`"):
        links.read(issued(links), "download")


def test_an_expired_link_says_when_it_ended_and_what_to_do() -> None:
    time = Time()
    links = Links(b"k" * 32, BASE, time)
    token = issued(links)
    time.now = START + timedelta(seconds=60)
    with pytest.raises(LinkError, match=r"expired at 2026-11-01 12:01:00 UTC\. Ask the assistant"):
        links.read(token, "upload")


@given(st.data())
def test_an_altered_link_is_refused(data: st.DataObject) -> None:
    links = Links(b"k" * 32, BASE, Time())
    token = issued(links)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("abcXYZ019-_").filter(lambda sign: sign != token[place]))
    with pytest.raises(LinkError):
        links.read(token[:place] + other + token[place + 1 :], "upload")


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(LinkError):
        Links(b"k" * 32, BASE, Time()).read(text, "upload")


@pytest.mark.parametrize("seconds", [0, -1, MAX_SECONDS + 1])
def test_no_link_is_valid_for_ever(seconds: float) -> None:
    with pytest.raises(ValueError, match="within a day"):
        issued(Links(b"k" * 32, BASE, Time()), seconds=seconds)
