from tests.server.fake_provider import FakeProvider
from tests.server.serving import served, settings

from evals_schemas.models import Model, Pricing


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
        "3 of 3 models (prices in $ a million tokens):",
        "big; chat; $1.5 in, $2 out; can judge",
        "only-judge; can judge",
        "small; chat; 8,192 tokens context; not listed as a judge",
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
        assert "local.models.base_url did not answer" in await server.text("list_models")
    async with served(
        fake, configured=settings(local={"dedicated": silent["dedicated"]})
    ) as server:
        assert "local.models.base_url is not set" in await server.text("list_models")

    fake.models.append(Model(id="llama", type="chat"))
    async with served(fake, configured=settings(local=silent)) as server:
        assert "base_url" not in await server.text("list_models")
