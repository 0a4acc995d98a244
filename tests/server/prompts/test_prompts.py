"""The prompts, as a client lists them and gets them, in both eras of the protocol."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent

from evals_mcp.prompts.catalog import PROMPTS, prompts
from evals_mcp.prompts.definition import ABSENT, ARGUMENT_CHARS, PromptDefinition
from evals_mcp.tools.catalog import BY_NAME
from tests.server.fake_provider import FakeProvider
from tests.server.serving import MODES, Mode, served
from tests.server.tokens import tokens

ALL = list(PROMPTS.values())


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_lists_the_prompts_and_gets_one_with_what_was_typed(mode: Mode) -> None:
    async with served(FakeProvider(), mode=mode) as server:
        listed = await server.client.list_prompts()
        got = await server.client.get_prompt(
            "compare_versions", {"file": "support.csv", "a": "old"}
        )

    assert [prompt.name for prompt in listed.prompts] == list(PROMPTS)
    assert got.description == PROMPTS["compare_versions"].description
    (message,) = got.messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    assert "- file: support.csv\n- a: old\n- b: (not given)" in message.content.text


@pytest.mark.parametrize("mode", MODES)
async def test_an_unknown_prompt_is_answered_with_the_names_that_exist(mode: Mode) -> None:
    async with served(FakeProvider(), mode=mode) as server:
        with pytest.raises(MCPError, match="compare_versions, find_failing_patterns"):
            await server.client.get_prompt("compare")


@pytest.mark.parametrize("prompt", ALL, ids=list(PROMPTS))
def test_a_client_that_fills_in_later_gets_the_text_with_its_place_holders(
    prompt: PromptDefinition,
) -> None:
    names = [argument.name for argument in prompt.arguments]
    holders = {name: f"${number}" for number, name in enumerate(names, 1)}

    text = prompt.text(holders)

    assert all(f"- {name}: {holder}" in text for name, holder in holders.items())
    assert ABSENT not in text


@given(st.dictionaries(st.sampled_from(["file", "a", "b", "other"]), st.text(max_size=3_000)))
def test_what_was_typed_stays_in_its_line(values: dict[str, str]) -> None:
    prompt = PROMPTS["compare_versions"]

    text, empty = prompt.text(values), prompt.text({})

    assert text.count("\n") == empty.count("\n")
    assert len(text) <= len(empty) + 3 * ARGUMENT_CHARS


@pytest.mark.parametrize("prompt", ALL, ids=list(PROMPTS))
def test_at_most_one_argument_is_required_and_it_comes_first(prompt: PromptDefinition) -> None:
    assert [argument.required for argument in prompt.arguments[1:]].count(True) == 0


@pytest.mark.parametrize("prompt", ALL, ids=list(PROMPTS))
def test_every_tool_and_argument_that_a_text_names_exists(prompt: PromptDefinition) -> None:
    inputs = [tool.tool.input_schema for tool in BY_NAME.values()]
    arguments = {
        *(name for schema in inputs for name in schema["properties"]),
        *(argument.name for argument in prompt.arguments),
    }
    named = set(re.findall(r"`([a-z_]+)`", prompt.steps))
    called = set(
        re.findall(r"\b(?:upload|list|create|get|read|compare|export)_[a-z]+\b", prompt.steps)
    )

    assert named <= arguments
    assert called <= set(BY_NAME)


def test_a_server_that_only_reads_offers_the_prompts_that_start_nothing() -> None:
    offered = prompts(read_only=True)

    assert set(offered) == {"find_failing_patterns"}
    for prompt in offered.values():
        assert not re.search(r"upload_dataset|create_evaluation", prompt.steps)


def test_the_menu_and_each_text_stay_short() -> None:
    menu = sum(tokens(f"{one.name} {one.title} {one.description}") for one in ALL)

    assert menu <= 200
    assert max(tokens(prompt.text({})) for prompt in ALL) <= 600
