"""A user's resources and completions show nothing of another's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.journeys.caller import Answer, Caller
from tests.journeys.test_isolation import altered
from tests.journeys.two_users import LABELS, ROWS, RULE, by_tokens


def request(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


async def offered(user: Caller, uri: str) -> list[str]:
    """The values for the variable of an address."""
    asked = request(
        "completion/complete",
        ref={"type": "ref/resource", "uri": uri},
        argument={"name": "any", "value": ""},
    )
    return (await user.post(asked)).result["completion"]["values"]


async def read(user: Caller, address: str) -> Answer:
    return await user.post(request("resources/read", uri=address))


async def test_nobody_lists_completes_or_reads_what_belongs_to_another(tmp_path: Path) -> None:
    async with by_tokens(tmp_path) as (alice, bob):
        data_set = (await alice.answer("upload_dataset", rows=ROWS))["file_id"]
        create = LABELS | {"input_data_file_path": data_set, "judge": RULE}
        evaluation = await alice.finished(**create, name="alice's own")

        assert await offered(alice, "evals://evaluations/{evaluation_id}") == [evaluation]
        assert await offered(bob, "evals://evaluations/{evaluation_id}") == []
        assert await offered(bob, "evals://datasets/{file_id}") == []
        theirs = (await bob.post(request("resources/list"))).text
        assert "rubrics/correctness" in theirs
        assert not [text for text in (data_set, evaluation, "alice") if text in theirs]
        for held, address in (
            (evaluation, "evals://evaluations/ID"),
            (evaluation, "evals://evaluations/ID/report"),
            (evaluation, "evals://evaluations/ID/failing"),
            (data_set, "evals://datasets/ID"),
        ):
            mine = await read(alice, address.replace("ID", held))
            refused = await read(bob, address.replace("ID", held))
            nobodys = await read(bob, address.replace("ID", altered(held)))
            assert "contents" in mine.result
            assert '"error"' in refused.text
            assert refused.text.replace(held, "ID") == nobodys.text.replace(altered(held), "ID")
