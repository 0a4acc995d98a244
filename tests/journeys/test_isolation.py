"""A user cannot see what belongs to another: each tool, each kind of id, each mode."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.tools.catalog import TOOLS
from evals_mcp.views.app.tools import APP_TOOLS
from tests.journeys.caller import Answer, Caller
from tests.journeys.two_users import (
    LABELS,
    ROWS,
    RULE,
    by_keys,
    by_tokens,
    by_tokens_elsewhere,
)
from tests.volume import amount

pytestmark = pytest.mark.usefixtures("lines_not_counted")

HINT = re.compile(r" Did you mean ([^?]*)\?")

QUESTIONS = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(3)]

# The belongings of a user


class Belongings:
    """The ids, cursors and codes of one user, by kind."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def absent(self, kind: str) -> str:
        """Return a text that looks like the held one and that does not exist."""
        held = self.held[kind]
        return other_cursor(held) if kind.endswith("cursor") else altered(held)


def altered(text: str) -> str:
    """Return another text with characters of the same kinds, so that both look equally random."""
    return text[:-4] + "".join(map(another_of_its_kind, text[-4:]))


def another_of_its_kind(char: str) -> str:
    if char in "-_":
        return "_" if char == "-" else "-"
    for first, second in ("01", "ab", "AB"):
        if first.isdigit() == char.isdigit() and first.isupper() == char.isupper():
            return second if char == first else first
    raise AssertionError(char)


def other_cursor(cursor: str) -> str:
    """Return a cursor of the same length with another position or another query."""
    padded = cursor + "=" * (-len(cursor) % 4)
    mark, place = json.loads(base64.urlsafe_b64decode(padded))
    changed = [mark, altered(place)] if isinstance(place, str) else [altered(mark), place]
    text = json.dumps(changed, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


async def judged_belongings(user: Caller, has: dict[str, str]) -> None:
    has["data set"] = (await user.answer("upload_dataset", rows=ROWS))["file_id"]
    create = LABELS | {"input_data_file_path": has["data set"]}
    never = RULE | {"system_template": f"never {RULE['system_template']}"}
    has["name"] = f"baseline-{secrets.token_hex(8)}"
    has["evaluation"] = await user.finished(**create, judge=RULE, name=has["name"])
    has["other evaluation"] = await user.finished(**create, judge=never)
    compared = {"evaluation_id_a": has["evaluation"], "evaluation_id_b": has["other evaluation"]}
    flips = await user.answer("compare_evaluations", **compared, limit=1)
    has["flips cursor"] = flips["next_cursor"]
    rubric = "Is it right? {{question}} {{expected}}"
    slow = create | {"judge": {"model": "slow", "system_template": rubric}}
    has["running evaluation"] = await user.started(**slow)
    fast = create | {"judge": {"model": "fast", "system_template": rubric}}
    has["code"] = (await user.answer("create_evaluation", **fast))["confirm"]
    await kept(user, has["evaluation"], "result file", "rows cursor", has)


async def benchmark_belongings(user: Caller, has: dict[str, str]) -> None:
    stored = await user.answer("upload_dataset", rows=QUESTIONS, benchmark=True)
    has["benchmark"] = stored["file_id"]
    create = {"type": "benchmark", "benchmark_id": has["benchmark"]}
    has["answers"] = await user.finished(**create, model_id="fast")
    has["running answers"] = await user.started(**create, model_id="slow")
    both = create | {"model_id": "fast", "model_id_2": "slow"}
    has["benchmark code"] = (await user.answer("create_evaluation", **both))["confirm"]
    await kept(user, has["answers"], "answers file", "answers cursor", has)


async def kept(
    user: Caller, evaluation_id: str, file: str, cursor: str, has: dict[str, str]
) -> None:
    """Add the result file of an ended evaluation, and a cursor into its rows."""
    found = await user.answer("get_evaluation", evaluation_id=evaluation_id)
    has[file] = found["result_file_id"]
    page = await user.answer("read_results", evaluation_id=evaluation_id, show="all", limit=1)
    has[cursor] = page["next_cursor"]


async def belongings_of(user: Caller, service: str) -> Belongings:
    has = Belongings()
    if service != "nugen":
        await judged_belongings(user, has.held)
    if service != "together":
        await benchmark_belongings(user, has.held)
    listed = await user.answer("list_evaluations", limit=1)
    has.held["list cursor"] = listed["next_cursor"]
    return has


# The attempts of another user

ID_FIELDS = {
    "get_evaluation": {"evaluation_id"},
    "get_status": {"evaluation_id"},
    "read_results": {"evaluation_id", "cursor"},
    "export_results": {"evaluation_id"},
    "label_rows": {"evaluation_id"},
    "compare_evaluations": {"evaluation_id_a", "evaluation_id_b", "cursor"},
    "cancel_evaluation": {"evaluation_id"},
    "create_evaluation": {
        *("input_data_file_path", "benchmark_id", "confirm", "answers_of", "retry_of"),
        *("changes", "metrics"),
    },
    "list_evaluations": {"cursor"},
    "delete_data": {"id"},
    "page_data": {"evaluation_id", "against", "options"},
    "mark_row": {"evaluation_id", "mark", "label", "ticket"},
}
"""All arguments that take an id, a cursor or a code, or objects with such arguments."""

NO_IDS = {
    "delete_data": {"confirm"},
    "page_data": {"view"},
    "export_results": {"format"},
    "label_rows": {"plan"},
    "upload_dataset": {"path", "rows", "name", "columns", "benchmark"},
    "list_models": {"filter", "role", "model_source", "max_price", "limit"},
    "get_evaluation": {"by", "cluster_column", "human_column", "labels_are"},
    "get_status": {"wait_seconds"},
    "list_evaluations": {"status", "type", "name", "model", "data_set", "limit"},
    "compare_evaluations": {"key", "limit", "by", "cluster_column"},
    "read_results": {
        *("show", "label", "decision", "min_score", "max_score", "text", "sort", "columns"),
        *("limit", "max_chars", "sample_seed"),
    },
    "list_datasets": {"name"},
    "create_evaluation": {
        *("type", "name", "judge", "labels", "pass_labels", "min_score", "max_score"),
        "pass_threshold",
        *("response_column", "response_column_a", "response_column_b"),
        *("model_to_evaluate", "model_a", "model_b", "model_id", "model_id_2"),
        *(
            "disable_position_bias_correction",
            "custom_metrics",
            "dry_run",
            "half_width",
            "again",
            "sample",
            "stop_when",
        ),
    },
}


def test_every_argument_is_known_to_take_what_a_user_has_or_not() -> None:
    for definition in (*TOOLS, *APP_TOOLS):
        told = ID_FIELDS.get(definition.name, set()) | NO_IDS.get(definition.name, set())
        assert set(definition.takes.model_fields) == told, definition.name


def tries(own: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield tools with arguments; `ID` stands for the other user's text, the rest is their own."""
    done = own.get("evaluation") or own["answers"]
    second = own.get("other evaluation") or own["answers"]
    yield "get_evaluation", {"evaluation_id": "ID"}
    yield "get_evaluation", {"evaluation_id": f"{done},ID"}
    yield "get_status", {"evaluation_id": "ID", "wait_seconds": 1}
    yield "read_results", {"evaluation_id": "ID", "show": "all"}
    yield "export_results", {"evaluation_id": "ID"}
    yield "label_rows", {"evaluation_id": "ID"}
    yield "read_results", {"evaluation_id": done, "show": "all", "limit": 1, "cursor": "ID"}
    yield "compare_evaluations", {"evaluation_id_a": "ID", "evaluation_id_b": done}
    yield "compare_evaluations", {"evaluation_id_a": done, "evaluation_id_b": "ID"}
    pair = {"evaluation_id_a": done, "evaluation_id_b": second}
    yield "compare_evaluations", {**pair, "limit": 1, "cursor": "ID"}
    for view in ("evaluation", "status", "rows"):
        yield "page_data", {"view": view, "evaluation_id": "ID"}
    for view in ("comparison", "flips"):
        yield "page_data", {"view": view, "evaluation_id": done, "against": "ID"}
        yield "page_data", {"view": view, "evaluation_id": "ID", "against": done}
    mark = {"row": 1, "opinion": "right"}
    yield "mark_row", {"evaluation_id": "ID", "mark": mark, "ticket": "A" * 27}
    yield "page_data", {"view": "rows", "evaluation_id": done, "options": {"cursor": "ID"}}
    yield "cancel_evaluation", {"evaluation_id": "ID"}
    yield "delete_data", {"id": "ID"}
    yield "delete_data", {"id": "ID", "confirm": True}
    yield "list_evaluations", {"limit": 1, "cursor": "ID"}
    judged = LABELS | {"judge": RULE, "input_data_file_path": "ID"}
    asked = {"type": "benchmark", "model_id": "fast", "benchmark_id": "ID"}
    for create in (judged, asked):
        yield "create_evaluation", create
        yield "create_evaluation", create | {"dry_run": True}
    for argument in ("answers_of", "retry_of"):
        yield "create_evaluation", LABELS | {argument: "ID", "judge": RULE, "dry_run": True}
    if "data set" in own:
        rubric = "Is it right? {{question}} {{expected}}"
        mine = {"judge": {"model": "fast", "system_template": rubric}, "confirm": "ID"}
        yield "create_evaluation", LABELS | {"input_data_file_path": own["data set"]} | mine
    if "benchmark" in own:
        mine = {"benchmark_id": own["benchmark"], "model_id_2": "slow", "confirm": "ID"}
        yield "create_evaluation", asked | mine


EVALUATIONS = {"name", "evaluation", "running evaluation", "answers", "running answers"}
FILES = {"data set", "result file", "benchmark", "answers file"}
CURSORS = {"flips cursor", "rows cursor", "answers cursor", "list cursor"}
TAKEN = {
    **dict.fromkeys(("input_data_file_path", "benchmark_id"), FILES),
    **dict.fromkeys(("cursor", "options"), CURSORS),
    "confirm": {"code", "benchmark code"},
    "id": EVALUATIONS | FILES,
}
"""The kinds that an argument takes; all others take evaluations."""

SERVICES = ("together", "nugen", "both", "local")
OTHERS_SHARE = len(SERVICES)
"""The gate tries one of so many texts at arguments that do not take their kind."""


def attempts(
    has: dict[str, str], own: dict[str, str], service: str
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield kinds of the other user's texts with a tool and arguments to try them at.

    In the proofs each kind is tried at each argument. In the gate an argument that does not take
    the kind is tried with one service only.
    """
    turn = SERVICES.index(service)
    for place, kind in enumerate(has):
        for number, (tool, arguments) in enumerate(tries(own), turn):
            argument = next(name for name, value in arguments.items() if "ID" in str(value))
            is_taken = kind in TAKEN.get(argument, EVALUATIONS)
            in_gate = is_taken or (place + number) % OTHERS_SHARE == 0
            if amount(gate=in_gate, proofs=True):
                yield kind, tool, arguments


async def said(
    user: Caller, own: Collection[str], tool: str, arguments: dict[str, Any], held: str
) -> Answer:
    """Call a tool with the other user's text; return the answer with the text replaced by `ID`.

    A hint at an id of the user's `own` is left out: it comes and goes with how alike the ids are.
    """
    filled = json.loads(json.dumps(arguments).replace("ID", held))
    answer = await user.call(tool, **filled)
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    # A service gets the id without its own name in front, and its error repeats the id so.
    text = answer.text.replace(held, "ID").replace(held.rpartition(":")[2], "ID")
    hinted = HINT.search(text)
    if hinted and set(hinted.group(1).split(", ")) <= set(own):
        text = text.replace(hinted.group(), "")
    return Answer(answer.status, headers, text)


async def everything_is_tried(alice: Caller, bob: Caller, service: str) -> None:
    has, own = await belongings_of(alice, service), (await belongings_of(bob, service)).held
    before = await state_of(bob)
    for kind, tool, arguments in attempts(has.held, own, service):
        theirs = await said(bob, own.values(), tool, arguments, has.held[kind])
        nobodys = await said(bob, own.values(), tool, arguments, has.absent(kind))
        assert theirs == nobodys, (kind, tool, arguments)
        assert theirs.is_error or arguments.get("dry_run"), (kind, tool, theirs.text)
    if name := has.held.get("name"):
        assert (await alice.answer("list_evaluations", name=name))["evaluations"]
        assert not (await bob.answer("list_evaluations", name=name))["evaluations"]
        advice = await alice.call("get_status", evaluation_id=name)
        assert f"is the name of {has.held['evaluation']}" in advice.text
    assert await state_of(bob) == before
    assert not [held for held in has.held.values() if held in before]
    await nothing_was_changed(alice, has.held)


async def state_of(user: Caller) -> str:
    """Return everything that a user's lists show."""
    evaluations = await user.call("list_evaluations", limit=50)
    return evaluations.text + (await user.call("list_datasets")).text


async def nothing_was_changed(alice: Caller, has: dict[str, str]) -> None:
    mine = await state_of(alice)
    for kind in ("data set", "evaluation", "running evaluation", "benchmark", "running answers"):
        assert has.get(kind, "") in mine
    for kind in ("running evaluation", "running answers"):
        if kind in has:
            status = await alice.answer("get_status", evaluation_id=has[kind])
            assert status["status"] in {"pending", "queued", "running"}
            await alice.call("cancel_evaluation", evaluation_id=has[kind])
    for cursor, evaluation in (("rows cursor", "evaluation"), ("answers cursor", "answers")):
        if cursor in has:
            page = {"evaluation_id": has[evaluation], "show": "all", "limit": 1}
            assert await alice.answer("read_results", **page, cursor=has[cursor])


@pytest.mark.parametrize("service", ["together", "nugen", "both"])
async def test_with_keys_of_their_own_nobody_learns_whether_anothers_id_exists(
    service: str, tmp_path: Path
) -> None:
    async with by_keys(tmp_path, service) as (alice, bob):
        await everything_is_tried(alice, bob, service)


async def test_subjects_who_share_an_engine_do_not_learn_whether_anothers_id_exists(
    tmp_path: Path,
) -> None:
    async with by_tokens(tmp_path) as (alice, bob):
        await everything_is_tried(alice, bob, "local")


async def test_subjects_whose_engine_runs_elsewhere_do_not_learn_whether_anothers_id_exists(
    tmp_path: Path,
) -> None:
    async with by_tokens_elsewhere(tmp_path) as (alice, bob):
        await everything_is_tried(alice, bob, "local")
