"""Users with equal ids, requests or keys stay separate."""

from __future__ import annotations

from pathlib import Path

import anyio

from tests.engine.model_server import ChatRequest, ModelServer, Reply, verdict
from tests.journeys.issuer import Issuer
from tests.journeys.shared_vendor import Vendor, of_one_vendor
from tests.journeys.two_users import (
    ALICE,
    BOB,
    KEYS,
    LABELS,
    MODELS,
    ROWS,
    RULE,
    bearer,
    callers,
    configured,
    of_issuer,
    serving,
)
from tests.server.http.serving import listening

FREE = LABELS | {"input_data_file_path": "file-1", "judge": RULE}
PAID = FREE | {"judge": {"model": "m", "system_template": "{{question}} {{expected}}"}}


async def test_kept_result_files_of_the_same_id_are_each_users_own(tmp_path: Path) -> None:
    async with of_one_vendor(tmp_path, ALICE, BOB) as (vendor, users):
        owners = list(zip(users, ("alice", "bob"), strict=True))
        ids = {await user.started(**PAID) for user, _ in owners}
        assert len(ids) == 1
        for user, name in owners * 2:
            for evaluation in ids:
                page = await user.answer("read_results", evaluation_id=evaluation, show="all")
                assert [row["columns"]["question"] for row in page["rows"]] == [f"of {name}"]
    assert vendor.keys_of("GET", "/v1/files/file-2/content") == [ALICE, BOB]


async def test_the_same_create_of_two_users_starts_one_for_each(tmp_path: Path) -> None:
    async with of_one_vendor(tmp_path, ALICE, BOB) as (vendor, users):
        for user in users:
            await user.started(**PAID)
            assert (await user.answer("create_evaluation", **PAID))["outcome"] == "exists"
    assert vendor.keys_of("POST", "/v1/evaluation") == [ALICE, BOB]


async def test_a_code_is_of_the_user_to_whom_it_was_given(tmp_path: Path) -> None:
    async with of_one_vendor(tmp_path, ALICE, BOB) as (vendor, (alice, bob)):
        code, other = [
            (await user.answer("create_evaluation", **PAID))["confirm"] for user in (alice, bob)
        ]
        assert code != other
        text = await bob.refusal("create_evaluation", **PAID, confirm=code)
        assert "not a code that this server has issued to you" in text
        assert vendor.keys_of("POST", "/v1/evaluation") == []
        started = await bob.answer("create_evaluation", **PAID, confirm=other)
        assert started["outcome"] == "started"
    assert vendor.keys_of("POST", "/v1/evaluation") == [BOB]


async def test_subjects_with_the_same_configured_key_are_still_two_users(tmp_path: Path) -> None:
    issuer, vendor = Issuer(), Vendor()
    keys = {
        f"OAUTH__SUBJECTS__{name}__{field}": value
        for name in ("alice", "bob")
        for field, value in (("SUBJECT", name), ("TOGETHER__TOKEN", "shared-key-0123456789"))
    }
    tokens = [bearer(issuer.token(subject)) for subject in ("alice", "bob", "carol")]
    async with listening(vendor.app) as place:
        settings = of_issuer(
            tmp_path,
            issuer,
            SERVER__PROVIDER="together",
            TOGETHER__BASE_URL=f"{place}/v1",
            TOGETHER__TOKEN="of-the-operator",
            **keys,
        )
        async with serving(settings, issuer) as url, callers(url, *tokens) as users:
            alice, bob, carol = users
            code = (await alice.answer("create_evaluation", **PAID))["confirm"]
            text = await bob.refusal("create_evaluation", **PAID, confirm=code)
            assert "not a code that this server has issued to you" in text
            evaluation = await alice.started(**PAID)
            for user in (alice, bob):
                assert await user.answer("read_results", evaluation_id=evaluation)
            # Without a key of her own she has the engine of this server, and nothing of theirs.
            assert (await carol.answer("list_evaluations"))["evaluations"] == []
            assert await carol.refusal("get_evaluation", evaluation_id=evaluation)
            assert await carol.refusal("create_evaluation", **PAID)
    content = vendor.keys_of("GET", "/v1/files/file-2/content")
    assert content == ["shared-key-0123456789"] * 2


async def test_a_key_reaches_its_own_service_and_a_bearer_token_none(tmp_path: Path) -> None:
    vendors = {name: Vendor() for name in KEYS}
    async with (
        listening(vendors["together"].app) as together,
        listening(vendors["nugen"].app) as nugen,
    ):
        settings = configured(
            tmp_path,
            HTTP__MODE="header",
            TOGETHER__BASE_URL=f"{together}/v1",
            NUGEN__BASE_URL=nugen,
            NUGEN__GENERATION="1",
        )
        keys = {"X-Together-Api-Key": ALICE, "X-Nugen-Api-Key": BOB}
        sent = keys | {"Authorization": "Bearer of-the-client"}
        async with serving(settings) as url, callers(url, sent) as (user,):
            for tool in ("list_evaluations", "list_datasets", "list_models"):
                await user.call(tool)
            await user.call("get_evaluation", evaluation_id="together:eval-1")
            await user.call("get_evaluation", evaluation_id="nugen:eval-1")
    for name, own in (("together", ALICE), ("nugen", BOB)):
        assert vendors[name].asked
        for _, _, headers in vendors[name].asked:
            assert headers["authorization"] == f"Bearer {own}"
            assert not {"x-together-api-key", "x-nugen-api-key"} & set(headers)


# Work in the background


async def test_anybodys_message_lets_everybodys_paused_evaluations_go_on(tmp_path: Path) -> None:
    issuer, asked, slow = Issuer(), anyio.Event(), True

    def answer(request: ChatRequest) -> Reply:
        asked.set()
        return verdict(feedback="", label="good", delay=120 if slow else 0)

    tokens = [bearer(issuer.token(subject)) for subject in ("alice", "bob")]
    async with ModelServer(answer, MODELS) as models:
        settings = of_issuer(
            tmp_path, issuer, SERVER__PROVIDER="local", LOCAL__MODELS__BASE_URL=models.base_url
        )
        async with serving(settings, issuer) as url, callers(url, *tokens) as (alice, _):
            stored = await alice.answer("upload_dataset", rows=ROWS)
            judge = {"model": "fast", "system_template": "{{question}} {{expected}}"}
            request = PAID | {"input_data_file_path": stored["file_id"], "judge": judge}
            evaluation = await alice.started(**request)
            with anyio.fail_after(300):
                await asked.wait()
        slow, asked = False, anyio.Event()
        async with serving(settings, issuer) as url, callers(url, *tokens) as (alice, bob):
            await bob.post({"jsonrpc": "2.0", "id": 1, "method": "ping"})
            with anyio.fail_after(300):
                await asked.wait()
            await alice.ended(evaluation)
            assert (await bob.answer("list_evaluations"))["evaluations"] == []
