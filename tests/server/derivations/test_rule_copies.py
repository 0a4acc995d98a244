"""Rules beside a vendor run where rules are, on a copy, and a vendor's models where they are."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from evals_mcp.providers.protocol import Provider
from evals_mcp.providers.several.ids import ServiceIds
from evals_mcp.providers.several.provider import SeveralProviders
from evals_mcp.service_spec import advice_for_type
from evals_mcp.services import SERVICES
from evals_schemas.evaluation_api.models import Model
from tests.server.fake_provider import FakeProvider, jsonl
from tests.server.serving import served, settings

ROWS: list[dict[str, object]] = [{"answer": "Paris", "expected": "Paris"}] * 3
RULE: dict[str, Any] = {
    "type": "classify",
    "judge": {"model": "rule/contains", "system_template": "{{expected}}"},
    "labels": ["yes", "no"],
    "pass_labels": ["yes"],
    "response_column": "answer",
}
MODEL = {**RULE, "judge": {"model": "vendor-model", "system_template": "{{expected}}"}}


def services() -> tuple[FakeProvider, FakeProvider, Provider]:
    vendor = FakeProvider(name="together", account="a1", models=[Model(id="vendor-model")])
    local = FakeProvider(account="a2", missing_endpoint="local.models.base_url")
    names = frozenset(spec.name for spec in SERVICES)
    advice = partial(advice_for_type, SERVICES, missing_key=None)
    ids = ServiceIds([vendor, local], names)
    return vendor, local, SeveralProviders("together and local", ids, advice)


async def test_a_rule_on_a_vendors_data_set_runs_locally_on_one_copy_and_says_so(
    tmp_path: Path,
) -> None:
    vendor, local, provider = services()
    async with served(provider, configured=settings(tmp_path)) as server:
        stored = await server.answer("upload_dataset", rows=ROWS)
        assert stored["file_id"] == "file-1"
        request = {**RULE, "input_data_file_path": "file-1"}
        plan = await server.answer("create_evaluation", **request, dry_run=True)
        started = await server.answer("create_evaluation", **request)
    assert plan["provider"] == started["provider"] == "local"
    assert plan["plan"]["notes"][0] == (
        "together has no rules, so a copy of its data set was stored on local, which runs it."
    )
    assert started["evaluation_id"].startswith("local:")
    assert [file.filename for file in local.files] == ["rows.jsonl"]
    assert local.contents["file-1"] == vendor.contents["file-1"]
    assert (len(local.requests), vendor.requests) == (1, [])


async def test_a_vendors_model_is_not_looked_for_locally_and_no_data_leave_by_themselves(
    tmp_path: Path,
) -> None:
    vendor, local, provider = services()
    local.contents["file-1"] = jsonl(*ROWS)
    async with served(provider, configured=settings(tmp_path)) as server:
        request = {**MODEL, "input_data_file_path": "local:file-1"}
        refusal = await server.refusal("create_evaluation", **request)
        assert "For a model of together, store the rows there: call upload_dataset" in refusal
        assert vendor.files == []
        # A copy on this machine does not stand for one at the vendor.
        sent = await server.answer("upload_dataset", rows=ROWS)
        again = await server.answer("upload_dataset", rows=ROWS)
        plan = await server.answer(
            "create_evaluation", **request | {"input_data_file_path": "file-1"}, dry_run=True
        )
        # A rule cannot judge what a vendor's model has still to answer.
        model = {"model": "vendor-model", "system_template": "x", "input_template": "{{answer}}"}
        answered = {**RULE, "response_column": None, "model_to_evaluate": model}
        refused = await server.refusal(
            "create_evaluation", **answered, input_data_file_path="file-1"
        )
    assert (sent["file_id"], sent["reused"]) == ("file-1", False)
    assert (again["file_id"], again["reused"]) == ("file-1", True)
    assert plan["provider"] == "together"
    assert "judge a column of ready answers, without `metrics`: local then runs the rule" in refused
