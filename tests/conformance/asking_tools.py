"""Fixture tools that answer with a question; the client calls again with the answer."""

from __future__ import annotations

from collections.abc import Mapping

from mcp_types import (
    CallToolRequestParams,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequest,
    InputRequiredResult,
    InputResponseRequestParams,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)

from evals_mcp.tools.calls.request_context import Context
from tests.conformance.fixture import Called, FixtureTool, text


def form(message: str, field: str, kind: str = "string") -> ElicitRequest:
    """Return a question to the user for one field."""
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def missing(
    params: InputResponseRequestParams,
    questions: Mapping[str, InputRequest],
    state: str | None = None,
) -> InputRequiredResult | None:
    """Return the questions again while an answer is missing; None if all are answered."""
    if questions.keys() <= (params.input_responses or {}).keys():
        return None
    return InputRequiredResult(input_requests=dict(questions), request_state=state)


def _sampling(prompt: str) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(text=prompt))
    return CreateMessageRequest(
        params=CreateMessageRequestParams(messages=[message], max_tokens=100)
    )


def _asking(name: str, questions: dict[str, InputRequest], state: str | None = None) -> FixtureTool:
    async def call(_: Context, params: CallToolRequestParams) -> Called:
        answers = params.input_responses
        return missing(params, questions, state) or text(f"{params.request_state}: {answers}")

    return FixtureTool(name, call)


async def _ask_twice(_: Context, params: CallToolRequestParams) -> Called:
    if params.request_state == "second":
        step = {"step2": form("Which colour?", "color")}
        return missing(params, step, "second") or text("both steps are done")
    if missing(params, first := {"step1": form("Which name?", "name")}):
        return InputRequiredResult(input_requests=dict(first), request_state="first")
    second: dict[str, InputRequest] = {"step2": form("Which colour?", "color")}
    return InputRequiredResult(input_requests=second, request_state="second")


async def _ask_what_can_be(context: Context, params: CallToolRequestParams) -> Called:
    declared = context.session.client_capabilities
    questions: dict[str, InputRequest] = {}
    if declared and declared.elicitation is not None:
        questions["user_name"] = form("Which name?", "name")
    if declared and declared.sampling is not None:
        questions["greeting"] = _sampling("Greet the user.")
    return missing(params, questions) or text("nothing left to ask")


_NAME = form("Which name?", "name")
_CONFIRM = form("Is that right?", "ok", "boolean")

ASKING_TOOLS = (
    _asking("test_input_required_result_elicitation", {"user_name": _NAME}),
    _asking("test_streaming_elicitation", {"user_name": _NAME}),
    _asking("test_input_required_result_sampling", {"capital_question": _sampling("A capital?")}),
    _asking("test_input_required_result_list_roots", {"client_roots": ListRootsRequest()}),
    _asking("test_input_required_result_request_state", {"confirm": _CONFIRM}, "state"),
    _asking("test_input_required_result_tampered_state", {"confirm": _CONFIRM}, "state"),
    _asking(
        "test_input_required_result_multiple_inputs",
        {
            "user_name": _NAME,
            "greeting": _sampling("Greet the user."),
            "client_roots": ListRootsRequest(),
        },
        "state",
    ),
    FixtureTool("test_input_required_result_multi_round", _ask_twice),
    FixtureTool("test_input_required_result_capabilities", _ask_what_can_be),
)
