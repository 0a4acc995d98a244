"""One evaluation of each type, from a data set to a summary, as an assistant would run them.

Starts `evals-mcp` over stdio with the embedded engine and a temporary data folder, calls its tools
as any MCP client does, and prints the calls and the answers. Run it with `make demo`.
"""

from __future__ import annotations

import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

DATA = "support_answers.jsonl"
EXAMPLES = Path(__file__).resolve().parent

CLASSIFY: dict[str, Any] = {
    "type": "classify",
    "judge": {"model": "rule/contains", "system_template": "{{ expected }}"},
    "labels": ["correct", "wrong"],
    "pass_labels": ["correct"],
    "response_column": "answer_v1",
}
SCORE: dict[str, Any] = {
    "type": "score",
    "judge": {"model": "rule/similarity", "system_template": "{{ expected }}"},
    "min_score": 0,
    "max_score": 10,
    "pass_threshold": 5,
    "response_column": "answer_v1",
}
COMPARE: dict[str, Any] = {
    "type": "compare",
    "judge": {"model": "rule/contains", "system_template": "{{ expected }}"},
    "response_column_a": "answer_v1",
    "response_column_b": "answer_v2",
}


async def main() -> None:
    """Hold the whole conversation."""
    with tempfile.TemporaryDirectory(prefix="evals-mcp-demo-") as data_dir:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "evals_mcp.cli"],
            cwd=EXAMPLES,
            env={
                "EVALS_MCP_SERVER__PROVIDER": "local",
                "EVALS_MCP_LOCAL__DATA_DIR": data_dir,
                "EVALS_MCP_STATE__FOLDER": data_dir,
            },
        )
        async with Client(server) as client:
            tools = await client.list_tools()
            says("server", f"{len(tools.tools)} tools: {', '.join(t.name for t in tools.tools)}")

            says("you", "How often is version 1 of our support bot right?")
            upload = await call(client, "upload_dataset", {"path": DATA})
            await evaluate(client, CLASSIFY, upload["file_id"])

            says("you", "And how close does it come to the reference answers?")
            await evaluate(client, SCORE, upload["file_id"])

            says("you", "Is version 2 better?")
            await evaluate(client, COMPARE, upload["file_id"])

            says("you", "What have I run so far?")
            await call(client, "list_evaluations", {})


async def evaluate(client: Client, request: dict[str, Any], file_id: str) -> None:
    """Create the evaluation of a data set, wait, and read the summary."""
    request = {**request, "input_data_file_path": file_id}
    created = await call(client, "create_evaluation", request)
    evaluation = {"evaluation_id": created["evaluation_id"]}
    await call(client, "get_status", {**evaluation, "wait_seconds": 45})
    await call(client, "get_evaluation", evaluation)


async def call(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call a tool; print the call, its progress and the answer; return the structured answer."""
    says("assistant", f"{tool}({brief(arguments)})")

    async def progress(done: float, total: float | None, message: str | None) -> None:
        says("progress", message or f"{done:g} of {total:g}" if total else f"{done:g}")

    with anyio.fail_after(60):
        result = await client.call_tool(tool, arguments, progress_callback=progress)
    assert isinstance(result, CallToolResult)
    says("error" if result.is_error else "server", text_of(result))
    if result.is_error or result.structured_content is None:
        raise SystemExit(1)
    return result.structured_content


def text_of(result: CallToolResult) -> str:
    """Return the part of an answer that a text-only client shows."""
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def brief(arguments: dict[str, Any]) -> str:
    """Return the arguments of a call on one line."""
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def says(who: str, text: str) -> None:
    """Print what a speaker says, indented under the speaker's name."""
    if who == "you":
        print()
    lines = [
        part
        for line in text.splitlines()
        for part in textwrap.wrap(line, 100, subsequent_indent="  ", drop_whitespace=False) or [""]
    ]
    for number, line in enumerate(lines):
        print(f"{who if number == 0 else '':>9}  {line}")


if __name__ == "__main__":
    anyio.run(main)
