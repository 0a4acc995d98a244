"""Two users of a server over HTTP whose engine is a process of its own."""

from __future__ import annotations

from pathlib import Path

import httpx2

from evals_engine.http.owners import NAMED_OWNER
from tests.journeys.issuer import Issuer
from tests.journeys.served import served_engine
from tests.journeys.two_users import LABELS, ROWS, RULE, bearer, callers, of_served_engine, serving

SERVER, CAROL = "of-the-mcp-server-0123456789", "of-carol-0123456789"


async def test_users_of_a_server_are_owners_at_its_served_engine(tmp_path: Path) -> None:
    issuer = Issuer()
    tokens = [bearer(issuer.token(subject)) for subject in ("alice", "bob")]
    async with served_engine(
        tmp_path / "served",
        ENGINE__SERVER__TOKEN=SERVER,
        ENGINE__OWNERS__CAROL__TOKEN=CAROL,
    ) as engine:
        settings = of_served_engine(tmp_path, issuer, engine.url, SERVER)
        async with serving(settings, issuer) as url, callers(url, *tokens) as users:
            evaluations: list[str] = []
            for user in users:
                stored = await user.answer("upload_dataset", rows=ROWS)
                request = LABELS | {"input_data_file_path": stored["file_id"], "judge": RULE}
                evaluations.append(await user.finished(**request))
            for user, own, other in (
                (users[0], *evaluations),
                (users[1], *reversed(evaluations)),
            ):
                page = await user.answer("read_results", evaluation_id=own, show="all")
                assert len(page["rows"]) == len(ROWS)
                refusal = await user.refusal("get_evaluation", evaluation_id=other)
                absent = await user.refusal("get_evaluation", evaluation_id=f"{other[:-4]}0000")
                assert refusal.replace(other, "") == absent.replace(f"{other[:-4]}0000", "")
                listed = await user.answer("list_evaluations")
                assert [each["evaluation_id"] for each in listed["evaluations"]] == [own]
        assert not (tmp_path / "engine").exists()
        async with httpx2.AsyncClient(base_url=engine.url, trust_env=False) as http:
            own = await http.get("/evaluation", headers=bearer(CAROL))
            assert own.json() == []
            named = bearer(CAROL) | {NAMED_OWNER: "https%3A%2F%2Fissuer%0Aalice"}
            assert (await http.get("/evaluation", headers=named)).status_code == 403
