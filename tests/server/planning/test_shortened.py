import pytest
from tests.server.planning.requests import (
    JUDGE,
    candidate,
    compare,
    planned,
    stored,
)
from tests.server.tokens import tokens


@pytest.mark.parametrize("text", ["🚀" * 500, "नमस्ते दुनिया " * 60, '\\"{}[]' * 200, "long " * 400])
async def test_a_plan_stays_short_whatever_it_shows(text: str) -> None:
    rows = [
        {f"column_{n}": text for n in range(30)} | {"answer_a": text, "answer_b": text}
        for _ in range(3)
    ]
    everything = text + "".join(f"{{{{column_{n}}}}}" for n in range(30))
    plan = await planned(
        compare(
            judge={**JUDGE, "system_template": everything},
            model_a=candidate(
                model="answer_a", system_template=text, input_template="{{answer_a}}"
            ),
            model_b=candidate(model=text[:90], system_template=text, input_template="{{answer_b}}"),
        ),
        stored(*rows),
    )

    assert tokens(plan.model_dump_json(exclude_none=True)) <= 1_900


async def test_an_ordinary_plan_is_under_1200_tokens() -> None:
    plan = await planned(compare(model_a=candidate(), model_b=candidate(model="judge-1")))

    assert tokens(plan.model_dump(mode="json", exclude_none=True)) <= 1_200
