"""A ticket lets one principal mark rows of one evaluation, until it expires."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_mcp.errors import InvalidRequestError
from evals_mcp.marks.tickets import TICKET_SECONDS, Tickets

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
KEY = bytes(range(32))


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def refusal(
    tickets: Tickets, ticket: str | None, principal: str = "alice", evaluation: str = "a eval-1"
) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        tickets.check(ticket, principal, evaluation)
    return str(refused.value)


def test_a_ticket_is_valid_until_its_end_and_then_refused_with_what_to_do() -> None:
    clock = Clock()
    tickets = Tickets(KEY, clock)
    ticket = tickets.issue("alice", "a eval-1")
    tickets.check(ticket, "alice", "a eval-1")
    clock.now = START + timedelta(seconds=TICKET_SECONDS)
    tickets.check(ticket, "alice", "a eval-1")
    clock.now += timedelta(seconds=1)
    assert "expired; it was valid for 2 hours. Open the evaluation again" in refusal(
        tickets, ticket
    )


def test_another_process_with_the_key_knows_it_and_one_without_does_not() -> None:
    ticket = Tickets(KEY, Clock()).issue("alice", "a eval-1")
    Tickets(KEY, Clock()).check(ticket, "alice", "a eval-1")
    assert "has issued to you" in refusal(Tickets(bytes(32), Clock()), ticket)


def test_a_call_without_a_ticket_is_told_where_people_mark_rows() -> None:
    for missing in (None, ""):
        sentence = refusal(Tickets(KEY, Clock()), missing)
        assert "this is what a person says" in sentence
        assert "evals-mcp view" in sentence


def test_a_ticket_is_nothing_to_another_principal_or_for_another_evaluation() -> None:
    tickets = Tickets(KEY, Clock())
    ticket = tickets.issue("alice", "a eval-1")
    assert "has issued to you" in refusal(tickets, ticket, principal="bob")
    assert "for this evaluation" in refusal(tickets, ticket, evaluation="a eval-2")
    # The same text, cut elsewhere, is another ticket.
    other = tickets.issue("alice\na", "eval-1")
    assert "has issued to you" in refusal(tickets, other, "alice", "a\neval-1")


@given(st.text(max_size=40))
def test_no_other_text_is_a_ticket(text: str) -> None:
    assert "Nothing was stored" in refusal(Tickets(KEY, Clock()), text)


@given(place=st.integers(0, 26), other=st.sampled_from("ABCDEFGHabcdefgh0123-_"))
def test_no_changed_ticket_is_a_ticket(place: int, other: str) -> None:
    tickets = Tickets(KEY, Clock())
    ticket = tickets.issue("alice", "a eval-1")
    changed = ticket[:place] + other + ticket[place + 1 :]
    if changed != ticket:
        assert "Nothing was stored" in refusal(tickets, changed)
