"""A user of another machine sends a file to a server over HTTP and fetches results, by links."""

from __future__ import annotations

import re
from pathlib import Path

import httpx2

from tests.journeys.caller import Caller
from tests.journeys.served import served_engine
from tests.journeys.served_http import served_over_http
from tests.journeys.two_users import ALICE, BOB, LABELS, RULE, by_header, callers
from tests.server.tokens import tokens

CONTENT = b"expected,answer\nyes,yes\nno,yes\n"


def told(refusal: str) -> tuple[str, str]:
    """Return the link and the name that an answer tells."""
    link = re.search(r"curl -T \S+ '([^']+)'", refusal)
    name = re.search(r'path "(sent-[^"]+)"', refusal)
    assert link is not None, refusal
    assert name is not None, refusal
    return link[1], name[1]


async def sent(caller: Caller, http: httpx2.AsyncClient) -> str:
    link, name = told(await caller.refusal("upload_dataset", path="/home/alice/rows.csv"))
    answer = await http.put(link, content=CONTENT)
    assert (answer.status_code, answer.json()) == (201, {"stored": name})
    return name


async def test_a_file_is_sent_by_a_link_and_the_results_are_fetched_by_another(
    tmp_path: Path,
) -> None:
    async with (
        served_engine(
            tmp_path / "vendor",
            ENGINE__OWNERS__ALICE__TOKEN=ALICE,
            ENGINE__OWNERS__BOB__TOKEN=BOB,
        ) as vendor,
        served_over_http(
            tmp_path / "server",
            SERVER__PROVIDER="together",
            TOGETHER__BASE_URL=vendor.url,
            HTTP__MODE="header",
            EXPORT__FOLDER=str(tmp_path / "exports"),
        ) as served,
        httpx2.AsyncClient(trust_env=False, timeout=60) as http,
        callers(served.root, *(by_header("together", key) for key in (ALICE, BOB))) as (alice, bob),
    ):
        name = await sent(alice, http)
        stored = await alice.answer("upload_dataset", path=name)
        other = await bob.refusal("upload_dataset", path=name)
        judged = {
            "input_data_file_path": stored["file_id"],
            "judge": RULE | {"system_template": "{{answer}}"},
        }
        evaluation = {"evaluation_id": await alice.finished(**LABELS, **judged)}
        export = await alice.answer("export_results", **evaluation)
        theirs = await bob.refusal("export_results", **evaluation)
        rows = (await http.get(export["link"])).content
        manifest = (await http.get(f"{export['link']}?manifest")).json()
        unsent = await alice.refusal("upload_dataset", path="sent-000000000000-rows.csv")
    assert (stored["rows"], stored["columns"]) == (2, ["expected", "answer"])
    assert stored["name"] == "rows.jsonl"
    assert "nothing has arrived as sent-" in other
    assert rows.splitlines()[1].startswith(b"1,ok,good,")
    assert (len(rows), manifest["counts"]["rows"]) == (export["bytes"], 2)
    assert tokens(export) < 300
    assert "links/" not in theirs
    assert "nothing has arrived as sent-" in unsent
