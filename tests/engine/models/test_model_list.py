"""What an endpoint tells of its models beside their names, and what the engine hands on of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals_engine.config import EngineConfig, ModelEndpoint
from evals_engine.models.completions import Received
from evals_engine.models.model_list import read_models
from evals_schemas.evaluation_api.models import Model, Pricing
from tests.engine.model_server import ModelServer
from tests.engine.running import running_engine

ENDPOINT = ModelEndpoint("http://127.0.0.1:9/v1")


def read(entry: dict[str, Any], *, bare: bool = False) -> Model:
    body = [entry] if bare else {"object": "list", "data": [entry]}
    models = read_models(Received(200, {}, json.dumps(body).encode()), ENDPOINT)
    assert isinstance(models, list)
    return models[0]


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ({"input": 0.2, "output": 0.6}, Pricing(input=0.2, output=0.6)),
        ({"input": 3, "output": 15, "prompt": "1"}, Pricing(input=3, output=15)),
        ({"prompt": "0.0000005", "completion": "0.0000015"}, Pricing(input=0.5, output=1.5)),
        ({"prompt": "0", "completion": 0}, Pricing(input=0, output=0)),
        ({"prompt": "-1", "completion": "-1"}, None),
        ({"input": -1, "output": 2}, Pricing(output=2)),
        ({"input": float("nan"), "output": float("inf")}, None),
        ({"prompt": "1e400", "completion": "free"}, None),
        ({"input": True, "output": "0.5"}, None),
        ({"input": 10**400}, None),
        ("0.5", None),
        ([], None),
        (None, None),
    ],
)
def test_prices_are_taken_where_they_are_numbers_from_zero(
    told: object, known: Pricing | None
) -> None:
    assert read({"id": "m", "pricing": told}).pricing == known


@pytest.mark.parametrize(
    ("told", "known"), [(8192, 8192), (0, None), (-1, None), ("8k", None), (True, None)]
)
def test_a_context_length_is_a_number_of_tokens(told: object, known: int | None) -> None:
    assert read({"id": "m", "context_length": told}).context_length == known


@pytest.mark.parametrize(
    ("told", "known"),
    [("embedding", "embedding"), (None, "chat"), (7, "chat"), ("rule", "chat"), ("", "chat")],
)
def test_a_model_of_no_told_type_is_taken_to_chat(told: object, known: str) -> None:
    assert read({"id": "m", "type": told}).type == known


def test_a_list_may_come_without_an_object_around_it() -> None:
    assert read({"id": "m", "context_length": 9}, bare=True).context_length == 9


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=9,
)


@given(
    entry=st.fixed_dictionaries(
        {"id": _JSON},
        optional={
            "pricing": _JSON
            | st.fixed_dictionaries({"input": _JSON, "output": _JSON})
            | st.fixed_dictionaries({"prompt": _JSON, "completion": _JSON}),
            "type": _JSON,
            "context_length": _JSON,
        },
    )
)
def test_whatever_an_entry_holds_it_is_a_model_or_left_out(entry: dict[str, Any]) -> None:
    models = read_models(Received(200, {}, json.dumps([entry]).encode()), ENDPOINT)

    assert isinstance(models, list)
    assert len(models) == isinstance(entry["id"], str)


async def test_the_engine_hands_prices_on_and_lets_no_embedding_judge(tmp_path: Path) -> None:
    offered: list[str | dict[str, Any]] = [
        {
            "id": "judge-1",
            "context_length": 4096,
            "pricing": {"prompt": "0.000001", "completion": "0.000002"},
        },
        {"id": "vectors-1", "type": "embedding", "pricing": {"input": 0.1, "output": 0}},
    ]
    async with ModelServer([], models=offered) as models:
        config = EngineConfig(tmp_path, serverless=ModelEndpoint(models.base_url))
        async with running_engine(config) as engine:
            listed = {one["id"]: one for one in (await engine.http.get("/models")).json()}
            judges = (await engine.http.get("/evaluation/model-list")).json()["model_list"]

    assert listed["judge-1"]["pricing"] == {"input": 1, "output": 2}
    assert listed["judge-1"]["context_length"] == 4096
    assert listed["vectors-1"]["type"] == "embedding"
    assert listed["rule/contains"]["pricing"] == {"input": 0, "output": 0}
    assert "judge-1" in judges
    assert "vectors-1" not in judges


async def test_the_dedicated_endpoints_alone_are_listed_to_who_asks_for_them(
    tmp_path: Path,
) -> None:
    async with ModelServer([], models=["judge-1"]) as models:
        endpoint = ModelEndpoint(models.base_url)
        config = EngineConfig(tmp_path, serverless=endpoint, dedicated={"mine": endpoint})
        async with running_engine(config) as engine:
            everything = (await engine.http.get("/models?dedicated=false")).json()
            dedicated = (await engine.http.get("/models?dedicated=true")).json()
            to_the_first_sdk = (await engine.http.get("/autoscale/models")).json()

    assert {"judge-1", "mine", "rule/contains"} < {model["id"] for model in everything}
    assert [model["id"] for model in dedicated] == ["mine"]
    assert to_the_first_sdk == [{"name": "mine"}]


async def test_an_unknown_price_is_absent_and_an_empty_object_to_the_first_sdk(
    tmp_path: Path,
) -> None:
    first_sdk = {"User-Agent": "Together/v1 PythonBindings/1.5.35"}
    async with ModelServer([], models=["judge-1"]) as models:
        endpoint = ModelEndpoint(models.base_url)
        config = EngineConfig(tmp_path, serverless=endpoint, dedicated={"mine": endpoint})
        async with running_engine(config) as engine:
            listed = (await engine.http.get("/models")).json()
            to_the_first_sdk = (await engine.http.get("/models", headers=first_sdk)).json()

    prices = {model["id"]: model["pricing"] for model in listed}
    assert prices["judge-1"] is prices["mine"] is None
    prices = {model["id"]: model["pricing"] for model in to_the_first_sdk}
    assert prices["judge-1"] == prices["mine"] == {"input": None, "output": None}
    assert prices["rule/contains"] == {"input": 0, "output": 0}
