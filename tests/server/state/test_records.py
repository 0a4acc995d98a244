"""Records: one principal's own, within a quota, kept as long as their kind says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evals_mcp.state.database import StateError
from evals_mcp.state.kinds import KINDS, RecordKind
from evals_mcp.state.records import QuotaError, State

NOTE = RecordKind("note", "records of these tests", most=3)
BRIEF = RecordKind("brief", "records of these tests that expire", most=100, seconds=60.0)


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def state(tmp_path: Path, time: Time) -> State:
    return State(tmp_path / "data", 2_000, time)


def test_a_record_is_read_as_it_was_written(state: State) -> None:
    records = state.of("alice")
    value = {"b": [1, 2.5, None, True], "a": "é\ud83d"}
    records.put(NOTE, "one", value)
    assert records.get(NOTE, "one") == value
    records.put(NOTE, "one", "other")
    assert records.get(NOTE, "one") == "other"
    assert records.get(NOTE, "two") is None


def test_records_of_another_principal_are_out_of_reach(state: State) -> None:
    alice, bob = state.of("alice"), state.of("bob")
    alice.put(NOTE, "one", "hers")
    assert bob.get(NOTE, "one") is None
    assert bob.list(NOTE) == []
    assert not bob.delete(NOTE, "one")
    assert bob.delete_all() == 0
    assert list(bob.export()) == []
    assert bob.used_bytes() == 0
    bob.put(NOTE, "one", "his")
    assert alice.get(NOTE, "one") == "hers"


def test_a_change_sees_the_present_value_and_none_deletes(state: State) -> None:
    records = state.of("alice")

    def add(value: int | None) -> int:
        return (value or 0) + 1

    assert [records.update(NOTE, "count", add) for _ in range(3)] == [1, 2, 3]
    assert records.update(NOTE, "count", lambda _: None) is None
    assert records.get(NOTE, "count") is None


def test_a_change_that_fails_writes_nothing(state: State) -> None:
    records = state.of("alice")
    records.put(NOTE, "one", 1)

    def fail(value: object) -> object:
        raise KeyError(value)

    with pytest.raises(KeyError):
        records.update(NOTE, "one", fail)
    assert records.get(NOTE, "one") == 1


def test_a_list_has_the_last_written_first_and_the_oldest_make_way(state: State) -> None:
    records = state.of("alice")
    for number in range(5):
        records.put(NOTE, f"n{number}", number)
    records.put(NOTE, "n2", 20)
    assert [(record.name, record.value) for record in records.list(NOTE)] == [
        ("n2", 20),
        ("n4", 4),
        ("n3", 3),
    ]


def test_an_expired_record_does_not_count(state: State, time: Time) -> None:
    records = state.of("alice")
    records.put(BRIEF, "one", 1)
    time.now += timedelta(seconds=61)
    assert records.get(BRIEF, "one") is None
    assert records.list(BRIEF) == []
    assert records.update(BRIEF, "one", lambda value: [value]) == [None]
    time.now += timedelta(seconds=61)
    records.put(BRIEF, "two", 2)
    assert [record.name for record in records.export()] == ["two"]


def test_a_quota_refuses_what_is_too_much_and_names_the_setting(state: State) -> None:
    records = state.of("alice")
    records.put(NOTE, "one", "x" * 1_500)
    with pytest.raises(QuotaError, match=r"state\.max_bytes allows 2,000.*operator"):
        records.put(NOTE, "two", "x" * 600)
    assert records.get(NOTE, "two") is None
    state.of("bob").put(NOTE, "two", "x" * 600)
    records.put(NOTE, "one", "short")
    records.put(NOTE, "two", "x" * 600)
    assert records.used_bytes() == len("one") + len('"short"') + len("two") + 602


def test_a_principals_data_can_be_exported_and_deleted(state: State) -> None:
    alice, bob = state.of("alice"), state.of("bob")
    alice.put(NOTE, "one", 1)
    alice.put(BRIEF, "two", {"a": 2})
    bob.put(NOTE, "one", 3)
    exported = [(record.kind, record.name, record.value) for record in alice.export()]
    assert exported == [("brief", "two", {"a": 2}), ("note", "one", 1)]
    assert alice.delete_all() == 2
    assert list(alice.export()) == []
    assert bob.get(NOTE, "one") == 3


def test_a_name_that_is_too_long_is_refused(state: State) -> None:
    with pytest.raises(ValueError, match="at most 500 bytes"):
        state.of("alice").put(NOTE, "é" * 251, 1)


def test_every_kind_stands_in_the_table_under_its_own_name() -> None:
    assert all(name == kind.name and kind.most > 0 for name, kind in KINDS.items())


def test_a_folder_that_cannot_be_made_names_the_setting(tmp_path: Path, time: Time) -> None:
    (tmp_path / "file").write_text("in the way")
    state = State(tmp_path / "file" / "data", 2_000, time)
    with pytest.raises(StateError, match=r"operator checks .* state\.folder"):
        state.of("alice").put(NOTE, "one", 1)


def test_principals_are_listed_with_the_size_of_their_records(state: State) -> None:
    assert state.principals() == []
    state.of("alice").put(NOTE, "one", "hers")
    state.of("bob").put(NOTE, "one", 1)
    state.of("bob").put(BRIEF, "two", 2)
    bob, alice = state.principals()
    assert (bob.principal_id, bob.records) == ("bob", 2)
    assert (alice.principal_id, alice.records) == ("alice", 1)
    assert bob.used_bytes == state.of("bob").used_bytes()
    assert bob.updated_at > alice.updated_at


def test_the_page_about_data_names_every_kind_of_record() -> None:
    page = Path(__file__).parents[3] / "docs" / "data.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    for name in KINDS:
        assert any(row.startswith(f"| `{name}` |") for row in rows), name
