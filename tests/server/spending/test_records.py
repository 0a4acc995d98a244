"""The limit of a day: exact over processes, users and time, and never exceeded by estimates."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import anyio
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

from evals_mcp.errors import DailyLimitError
from evals_mcp.spending.day import DAY
from evals_mcp.spending.records import Spending, record_name
from evals_mcp.state.records import State
from evals_schemas.tools.plans import Range
from tests.server.fake_provider import NOON
from tests.server.serving import unused_folder
from tests.volume import examples

LIMIT = 1.0
USERS = ("ann", "ben")
PROCESSES = 2


def usd(high: float) -> Range:
    return Range(low=0, high=high)


@dataclass
class Counted:
    """One create in the model that the records are compared with."""

    user: str
    number: int
    amount: Decimal
    sent: datetime
    until: datetime | None
    """When it stops to count; None while it runs."""

    @property
    def key(self) -> str:
        return f"key-{self.number}"

    @property
    def evaluation_id(self) -> str:
        return f"eval-{self.number}"


class Days(RuleBasedStateMachine):
    """Two processes, two users, lost answers, ends in any order, and hours that pass."""

    sent = Bundle("sent")
    running = Bundle("running")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        folder = unused_folder()
        states = [State(folder, 2**26, lambda: self.now) for _ in range(PROCESSES)]
        self.records = {
            (process, user): states[process].of(user)
            for process in range(PROCESSES)
            for user in USERS
        }
        self.spending = {
            place: Spending(records, LIMIT, lambda: self.now)
            for place, records in self.records.items()
        }
        self.counted: list[Counted] = []
        self.number = 0

    def total(self, user: str) -> Decimal:
        counting = (
            each.amount
            for each in self.counted
            if each.user == user and (each.until is None or self.now < each.until)
        )
        return sum(counting, Decimal(0))

    @rule(
        target=sent,
        process=st.integers(0, PROCESSES - 1),
        user=st.sampled_from(USERS),
        cents=st.integers(0, 60),
    )
    def send(self, process: int, user: str, cents: int) -> Counted | None:
        self.number += 1
        amount = Decimal(cents) / 100
        create = Counted(user, self.number, amount, self.now, self.now + DAY)
        spending = self.spending[process, user]
        fits = not cents or self.total(user) + amount <= Decimal(1)
        is_sent = False
        with suppress(DailyLimitError), self.records[process, user].together() as records:
            spending.reserve(records, create.key, usd(cents / 100))
            # A create that is sent again under its key counts once.
            spending.reserve(records, create.key, usd(cents / 100))
            is_sent = True
        assert is_sent == fits
        if not is_sent:
            return None
        self.counted.append(create)
        return create

    @rule(target=running, create=consumes(sent), process=st.integers(0, PROCESSES - 1))
    def answer(self, create: Counted | None, process: int) -> Counted | None:
        if create is None:
            return None
        with self.records[process, create.user].together() as records:
            spending = self.spending[process, create.user]
            spending.started(records, create.key, "local", create.evaluation_id)
        create.until = None
        return create

    @rule(create=consumes(sent), process=st.integers(0, PROCESSES - 1))
    def refuse(self, create: Counted | None, process: int) -> None:
        if create is not None:
            with self.records[process, create.user].together() as records:
                self.spending[process, create.user].release(records, create.key)
            self.counted.remove(create)

    @rule(
        create=consumes(running),
        process=st.integers(0, PROCESSES - 1),
        share=st.none() | st.integers(0, 10),
        hours_ago=st.integers(0, 3),
    )
    def end(self, create: Counted | None, process: int, share: int | None, hours_ago: int) -> None:
        """End it with a part of the estimate, or without a known cost, a while ago or now."""
        if create is None:
            return
        cost = None if share is None else create.amount * share / 10
        name = record_name("local", f"local:{create.evaluation_id}")
        spending = self.spending[process, create.user]
        at = self.now - timedelta(hours=hours_ago)
        anyio.run(partial(spending.ended, name, at, None if cost is None else float(cost)))
        # Neither another end nor another cost replaces what is known.
        anyio.run(partial(spending.ended, name, None, 9.9))
        create.until = max(at, create.sent) + DAY
        create.amount = Decimal("9.9") if cost is None else cost
        if cost is None:
            # It has cost more than its estimate: the day is over the limit, and nothing starts.
            assert self.total(create.user) > LIMIT

    @rule(hours=st.integers(1, 13))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @invariant()
    def every_process_counts_the_same(self) -> None:
        for (process, user), spending in self.spending.items():
            day = anyio.run(spending.day)
            assert day is not None
            total = self.total(user)
            assert day.used + day.held == total, (process, user)
            assert day.remaining == max(Decimal(0), Decimal(1) - total)


def test_no_order_of_events_exceeds_the_limit_or_refuses_what_fits() -> None:
    run_state_machine_as_test(  # pyright: ignore[reportUnknownMemberType]
        Days,
        settings=hypothesis_settings(
            max_examples=examples(15), stateful_step_count=25, deadline=None
        ),
    )


def test_creates_of_many_processes_at_once_stay_within_the_limit() -> None:
    folder = unused_folder()

    def send(number: int) -> bool:
        records = State(folder, 2**26, lambda: NOON).of("ann")
        with suppress(DailyLimitError), records.together() as transaction:
            Spending(records, 0.3, lambda: NOON).reserve(transaction, f"key-{number}", usd(0.1))
            return True
        return False

    with ThreadPoolExecutor(8) as threads:
        # Three times 0.1 is 0.3 here, though not with floats.
        assert sum(threads.map(send, range(16))) == 3


def test_a_refusal_says_the_sum_the_limit_who_raises_it_and_when_there_is_room() -> None:
    now = NOON
    records = State(unused_folder(), 2**26, lambda: now).of("ann")
    spending = Spending(records, 5.0, lambda: now)
    for number, high in enumerate((2.0, 2.5, None)):
        with records.together() as transaction:
            spending.reserve(transaction, f"key-{number}", usd(high) if high else None)
            spending.started(transaction, f"key-{number}", "local", f"eval-{number}")
        now += timedelta(hours=1)
    anyio.run(partial(spending.ended, "local:eval-0", None, 1.25))

    def refusal(high: float) -> str:
        with pytest.raises(DailyLimitError) as error, records.together() as transaction:
            spending.reserve(transaction, "another", Range(low=0.5, high=high))
        return str(error.value)

    assert refusal(2.0) == (
        "The estimated cost, $0.50 to $2.00, may be above what is left of budget.max_usd_per_day: "
        "$1.25 of $5.00; $1.25 was spent in the last 24 hours, $2.50 is held for what runs. "
        "1 evaluation is not counted, without a known price. There is room for it from 2026-11-21 "
        "15:00 UTC, or earlier when what runs has ended. Use fewer rows or a cheaper model, wait, "
        "or ask the administrator to raise budget.max_usd_per_day."
    )
    assert "Room for it comes back when what runs has ended: see list_evaluations." in refusal(4.0)
    assert "$0.50 to $9.00, may be above budget.max_usd_per_day ($5.00), all that" in refusal(9.0)
