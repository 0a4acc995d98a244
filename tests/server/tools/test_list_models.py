from typing import Any

import pytest
from inline_snapshot import snapshot
from tests.server.fake_provider import FakeProvider
from tests.server.serving import served, settings

from evals_mcp.providers.several.ids import ServiceIds
from evals_mcp.providers.several.provider import SeveralProviders
from evals_schemas.evaluation_api.models import Model, Pricing


async def test_models_that_can_judge_come_first_with_their_prices() -> None:
    fake = FakeProvider(
        models=[
            Model(id="small", type="chat", context_length=8192),
            Model(id="big", type="chat", pricing=Pricing(input=1.5, output=2)),
        ],
        judges=["big", "only-judge"],
    )
    async with served(fake) as server:
        text = await server.text("list_models")

    assert text.splitlines()[:4] == [
        "3 of 3 models (prices in $ per million tokens):",
        "'big'; chat; $1.5 in, $2 out; can judge",
        "'only-judge'; can judge",
        "'small'; chat; 8,192 tokens context; not listed as a judge",
    ]


async def test_a_filter_and_a_limit_narrow_the_list_and_the_total_is_told() -> None:
    fake = FakeProvider(models=[Model(id=f"Model-{n}") for n in range(50)])
    async with served(fake) as server:
        answer = await server.answer("list_models", filter="model-4", limit=2)

    assert [model["id"] for model in answer["models"]] == ["Model-4", "Model-40"]
    assert answer["total"] == 11
    assert "can_judge" not in answer["models"][0]


async def test_rules_alone_are_listed_with_what_keeps_the_models_away() -> None:
    fake = FakeProvider(
        models=[Model(id="rule/contains", type="rule"), Model(id="mine", type="chat")]
    )
    url = "http://127.0.0.1:1/v1"
    silent = {"models": {"base_url": url}, "dedicated": {"mine": {"base_url": url}}}
    async with served(fake, configured=settings(local=silent)) as server:
        step = (await server.answer("list_models"))["next_step"]
        assert step.startswith("The endpoint of local.models.base_url did not answer")
        assert "Give an id to create_evaluation" in step
    async with served(
        fake, configured=settings(local={"dedicated": silent["dedicated"]})
    ) as server:
        assert "local.models.base_url is not set" in await server.text("list_models")

    fake.models.append(Model(id="llama", type="chat"))
    async with served(fake, configured=settings(local=silent)) as server:
        assert "base_url" not in await server.text("list_models")


URL = "http://127.0.0.1:1/v1"
CREDENTIALS = {"vendor": {"base_url": "https://models.example/v1"}}
LOCAL = {"models": {"base_url": URL}, "dedicated": {"mine": {"base_url": URL}}}


def offering() -> FakeProvider:
    """A rule, a serverless and a dedicated model, one that embeds; all but that one can judge."""
    return FakeProvider(
        models=[
            Model(id="rule/contains", type="rule", pricing=Pricing(input=0, output=0)),
            Model(id="mine", type="chat"),
            Model(id="Qwen/Qwen3.5-9B", type="chat", pricing=Pricing(input=0.1, output=0.3)),
            Model(id="openai/gpt-oss-120b", type="chat", pricing=Pricing(input=2, output=0.5)),
            Model(id="half", type="chat", pricing=Pricing(input=0.1)),
            Model(id="embed", type="embedding", pricing=Pricing(input=0.1, output=0)),
        ],
        judges=["rule/contains", "mine", "Qwen/Qwen3.5-9B", "openai/gpt-oss-120b", "half"],
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"role": "judge"}, ["rule/contains", "mine", "Qwen", "openai", "half"]),
        ({"role": "candidate"}, ["mine", "Qwen", "openai", "half"]),
        ({"model_source": "dedicated"}, ["mine"]),
        ({"model_source": "serverless"}, ["rule/contains", "Qwen", "openai", "half"]),
        ({"model_source": "serverless", "role": "candidate"}, ["Qwen", "openai", "half"]),
        ({"model_source": "external"}, []),
        ({"max_price": 0.3}, ["rule/contains", "Qwen", "embed"]),
        ({"max_price": 2, "role": "candidate"}, ["Qwen", "openai"]),
        ({"max_price": 0}, ["rule/contains"]),
        ({"filter": "QWEN"}, ["Qwen"]),
    ],
)
async def test_filters_leave_what_fits_all_of_them(
    arguments: dict[str, Any], expected: list[str]
) -> None:
    async with served(offering(), configured=settings(local=LOCAL)) as server:
        answer = await server.answer("list_models", **arguments)
    assert [model["id"].split("/Q")[0].split("/g")[0] for model in answer["models"]] == expected
    assert answer["total"] == len(expected)


async def test_models_without_a_known_price_are_counted_when_a_price_is_asked_for() -> None:
    async with served(offering(), configured=settings(local=LOCAL)) as server:
        text = await server.text("list_models", max_price=0.5, role="candidate")
        one = await server.text("list_models", max_price=1, filter="half")
    assert "2 models have no known price, so max_price leaves them out." in text
    assert "1 model has no known price" in one


async def test_a_service_that_tells_no_judges_keeps_every_model_that_may_be_one() -> None:
    fake = offering()
    fake.judges = None
    async with served(fake, configured=settings(local=LOCAL)) as server:
        answer = await server.answer("list_models", role="judge", filter="embed")
    assert answer["total"] == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"filter": "qwen3.5 9b"},
            snapshot("No name contains 'qwen3.5 9b'. Similar: 'Qwen/Qwen3.5-9B'."),
        ),
        (
            {"filter": "claude"},
            snapshot("No name contains 'claude': call list_models with another `filter` or none."),
        ),
        (
            {"filter": "qwen", "max_price": 0.01},
            snapshot(
                "'qwen' is in 1 name, but the other filters exclude these models: call list_models "
                "with `filter` alone."
            ),
        ),
        (
            {"max_price": 0.01, "role": "candidate"},
            snapshot(
                "No model matches: call list_models with fewer filters. 2 models have no known "
                "price, so max_price leaves them out."
            ),
        ),
        (
            {"model_source": "external"},
            snapshot(
                "External models are not listed. Give the vendor's name of the "
                "model as model, model_source external, and as external_credential "
                "one of: 'vendor'."
            ),
        ),
        ({"role": "judge"}, snapshot("Give an id to create_evaluation as judge.model.")),
        (
            {"role": "candidate"},
            snapshot("Give an id to create_evaluation as model of a model to run."),
        ),
        (
            {},
            snapshot(
                "Give an id to create_evaluation as judge.model, or as model of a "
                "model to run; a rule can only judge."
            ),
        ),
    ],
)
async def test_the_next_step_says_how_to_go_on(arguments: dict[str, Any], expected: str) -> None:
    configured = settings(local=LOCAL, credentials=CREDENTIALS)
    async with served(offering(), configured=configured) as server:
        answer = await server.answer("list_models", **arguments)
    assert answer["next_step"] == expected


async def test_sources_that_have_nothing_say_who_names_one() -> None:
    bare = settings(local={"models": {"base_url": URL}})
    async with served(offering(), configured=bare) as server:
        dedicated = await server.text("list_models", model_source="dedicated")
        external = await server.text("list_models", model_source="external")
    assert "No dedicated endpoints are configured under [local.dedicated]" in dedicated
    assert "ask the operator of this server to add one under [credentials]" in external


async def test_where_a_service_tells_no_sources_its_judges_are_serverless() -> None:
    fake = offering()
    fake.name = "together"
    configured = settings(server={"provider": "together"})
    async with served(fake, configured=configured) as server:
        answer = await server.answer("list_models", model_source="serverless")
        dedicated = await server.text("list_models", model_source="dedicated")
    assert "embed" not in [model["id"] for model in answer["models"]]
    assert answer["total"] == 5
    assert "The service lists no dedicated endpoints: give the id of yours" in dedicated


async def test_models_of_two_services_take_turns_and_say_whose_they_are() -> None:
    one = FakeProvider(
        name="together", models=[Model(id=f"m{n}") for n in range(9)], judges=["m0", "m1", "m2"]
    )
    other = FakeProvider(
        name="nugen", types=frozenset({"benchmark"}), models=[Model(id="m0"), Model(id="own")]
    )
    both = SeveralProviders(
        "together and nugen", ServiceIds([one, other], {"together", "nugen", "local"})
    )
    async with served(both) as server:
        answer = await server.answer("list_models", role="candidate", limit=4)
        judges = await server.answer("list_models", role="judge")
        text = await server.text("list_models", limit=4)

    found = [(line["id"], line["provider"]) for line in answer["models"]]
    assert found == [("m0", "together"), ("m1", "together"), ("m0", "nugen"), ("own", "nugen")]
    assert answer["total"] == 11
    assert {line["provider"] for line in judges["models"]} == {"together"}
    assert "'m0' (nugen); " in text
    assert (
        "as judge.model (those of together), or as model of a model to run (those of together), or "
        "as model_id of a benchmark (those of nugen)." in text
    )


async def test_a_service_of_benchmarks_alone_names_the_field_of_a_benchmark() -> None:
    fake = FakeProvider(
        name="nugen", types=frozenset({"benchmark"}), models=[Model(id="own", type="llm")]
    )
    async with served(fake) as server:
        answer = await server.answer("list_models")
    assert answer["next_step"] == "Give an id to create_evaluation as model_id of a benchmark."
    assert "provider" not in answer["models"][0]
