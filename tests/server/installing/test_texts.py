"""Entries are added to texts and removed from them, and nothing else changes."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals_mcp.installing.texts import json_text, toml_text
from evals_mcp.installing.texts.documents import FORMATS, with_entry, without_entry
from evals_mcp.installing.texts.errors import UnchangeableTextError, UnreadableTextError

JSON, TOML = FORMATS["json"], FORMATS["toml"]
PATH = ("mcpServers", "evals")
TABLE = ("mcp_servers", "evals")
ENTRY: dict[str, Any] = {"command": "/home/you/evals-mcp", "args": [], "env": {"A": '"b"\\'}}

JSON_TEXTS = [
    "{}",
    "{}\n",
    '{"a":1}',
    '{ "a": 1 }\n',
    '{\n  "a": 1\n}\n',
    '{\n  "a": 1 // about a\n}',
    '{\n  "a": 1, // about a\n  /* the end */\n}',
    '{\n\t"mcpServers": {\n\t\t"x": {"command": "y"},\n\t}\n}',
    '{\r\n  "a": [1, 2,],\r\n  "mcpServers": {"x": {}}\r\n}\r\n',
    '// a\n{\n    "mcpServers": {\n        "x": {} // x\n        // more\n    },\n    "b": null\n}',
    '{"mcpServers":{"x":{}}}',
    '{\n  "quoted // no comment": "/* none */ \\" \\\\"\n}\n',
    '{\n  "mcpServers": {\n    // mine\n    "x": {}\n  }\n}\n// tail\n',
]

TOML_TEXTS = [
    "",
    "a = 1\n",
    '# head\nmodel = "x" # the model\n\n[mcp_servers.x]\ncommand = "y" # why\n\n# tail\n',
    "[mcp_servers.a]\nx = [\n  1, # one\n  2,\n]\n\n[[profiles]]\nname = 'p'\n",
    's = """\n[mcp_servers.evals]\ncommand = "no"\n"""\n',
    'a = 1\r\n\r\n[b]\r\nc = "\u2028"\r\n',
]


@pytest.mark.parametrize("text", JSON_TEXTS)
def test_an_entry_is_added_to_json_and_removed_without_a_trace(text: str) -> None:
    added = with_entry(JSON, text, PATH, ENTRY, whole=False)

    holds = json_text.parse(text)
    servers = {**json_text.parse(text).get("mcpServers", {}), "evals": ENTRY}  # type: ignore[dict-item]
    assert json_text.parse(added) == {**holds, "mcpServers": servers}
    assert all(comment in added for comment in re.findall(r"//[^\n\"]*|/\*.*?\*/", text))
    assert with_entry(JSON, added, PATH, ENTRY, whole=False) == added
    assert without_entry(JSON, added, PATH) == text


def test_an_entry_in_plain_json_leaves_plain_json() -> None:
    text = json.dumps({"b": 1, "a": {"mcpServers": []}, "mcpServers": {"z": {}}}, indent=4)

    added = with_entry(JSON, text, PATH, ENTRY, whole=False)

    assert list(json.loads(added)) == ["b", "a", "mcpServers"]
    assert json.loads(added)["mcpServers"] == {"z": {}, "evals": ENTRY}


@pytest.mark.parametrize(
    "text", ["", " \n", "{ // only a remark\n}\n", '{\n  "mcpServers": {}\n}\n']
)
def test_an_object_without_members_takes_an_entry(text: str) -> None:
    added = with_entry(JSON, text, PATH, ENTRY, whole=False)

    assert json_text.parse(added) == {"mcpServers": {"evals": ENTRY}}
    assert json_text.parse(without_entry(JSON, added, PATH)) == {}


def test_a_changed_entry_keeps_its_other_members_and_comments() -> None:
    text = (
        '{"mcpServers": {\n  "evals": {\n    "command": "old", // where\n    "timeout": 5\n  }\n}}'
    )

    changed = with_entry(JSON, text, PATH, ENTRY, whole=False)

    assert json_text.parse(changed) == {"mcpServers": {"evals": {**ENTRY, "timeout": 5}}}
    assert "// where" in changed


def test_an_entry_between_others_is_removed_with_its_comma() -> None:
    text = '{"mcpServers": {"a": {}, "evals": {"command": "x"}, "b": {}}}'

    assert without_entry(JSON, text, PATH) == '{"mcpServers": {"a": {}, "b": {}}}'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1', "line 1, column 8: , or } is expected"),
        ('{\n  "a" 1}', "line 2, column 7: : is expected"),
        ("{'a': 1}", "a key in quotes"),
        ('{"a": 1} {}', "the end of the file is expected"),
        ('{"a": 1, "a": 2}', "a second time"),
        ("[]", "no object"),
        ('{"a": "\\x"}', "unknown escape"),
        ('{"a": /* open', "a value is expected"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_broken_json_is_refused_with_the_place(text: str, problem: str) -> None:
    with pytest.raises(UnreadableTextError) as refused:
        with_entry(JSON, text, PATH, ENTRY, whole=False)

    assert problem in str(refused.value)


@pytest.mark.parametrize("text", ['{"mcpServers": []}', '{"mcpServers": null}'])
def test_json_with_something_else_in_the_place_of_the_servers_is_left_alone(text: str) -> None:
    with pytest.raises(UnchangeableTextError):
        with_entry(JSON, text, PATH, ENTRY, whole=False)


@pytest.mark.parametrize("text", TOML_TEXTS)
def test_a_table_is_added_to_toml_and_removed_without_a_trace(text: str) -> None:
    added = with_entry(TOML, text, TABLE, ENTRY, whole=False)

    assert added.startswith(text)
    assert tomllib.loads(added)["mcp_servers"]["evals"] == ENTRY
    assert with_entry(TOML, added, TABLE, ENTRY, whole=False) == added
    assert without_entry(TOML, added, TABLE) == text


def test_a_changed_table_keeps_its_other_lines() -> None:
    text = (
        '[mcp_servers.evals] # mine\ncommand = "old" # where\n# patience\ntool_timeout_sec = 5\n'
        'args = [\n  "x",\n]\n\n[mcp_servers.evals.env]\nB = "c"\n\n# of z\n[z]\nq = 1\n'
    )

    changed = with_entry(TOML, text, TABLE, ENTRY, whole=False)

    assert changed == (
        '[mcp_servers.evals] # mine\ncommand = "/home/you/evals-mcp" # where\n# patience\n'
        'tool_timeout_sec = 5\nargs = []\n\n[mcp_servers.evals.env]\nB = "c"\n'
        'A = "\\"b\\"\\\\"\n\n# of z\n[z]\nq = 1\n'
    )
    assert without_entry(TOML, changed, TABLE) == "\n# of z\n[z]\nq = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        'mcp_servers = { evals = { command = "x" } }\n',
        '[mcp_servers]\nevals.command = "x"\n',
        '[mcp_servers]\nevals = { command = "x" }\n',
        "mcp_servers = {}\n",
    ],
)
def test_a_table_in_another_form_is_left_alone(text: str) -> None:
    with pytest.raises(UnchangeableTextError):
        with_entry(TOML, text, TABLE, ENTRY, whole=False)


def test_broken_toml_is_refused() -> None:
    with pytest.raises(UnreadableTextError, match="line 1"):
        with_entry(TOML, "a = \n", TABLE, ENTRY, whole=False)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXT, below, max_size=3)
)
DOCUMENTS = st.dictionaries(TEXT, VALUES, max_size=4)
SERVERS = st.none() | st.dictionaries(TEXT.filter(lambda name: name != "evals"), VALUES, max_size=3)


@settings(max_examples=40)
@given(DOCUMENTS, SERVERS, st.sampled_from([None, 1, 2, 4, "\t"]), st.booleans())
def test_any_json_comes_back_to_the_byte(
    content: dict[str, Any], servers: dict[str, Any] | None, indent: Any, escaped: bool
) -> None:
    content.pop("mcpServers", None)
    if servers:
        content["mcpServers"] = servers
    text = json.dumps(content, indent=indent, ensure_ascii=escaped)

    added = with_entry(JSON, text, PATH, ENTRY, whole=False)

    assert json.loads(added) == {**content, "mcpServers": {**(servers or {}), "evals": ENTRY}}
    assert without_entry(JSON, added, PATH) == text


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from(
            ["# a remark", "", "a = 1", "b.c = [1,\n 2]", 'd = """\n[mcp_servers.evals]\n"""']
        )
        | st.builds("[{}]".format, st.sampled_from(["x", "mcp_servers.z", "mcp_servers", '"q.r"'])),
        max_size=8,
        unique=True,
    )
)
def test_any_toml_comes_back_to_the_byte(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)

    added = with_entry(TOML, text, TABLE, ENTRY, whole=False)

    assert toml_text.parse(added)["mcp_servers"]["evals"] == ENTRY  # type: ignore[index]
    assert without_entry(TOML, added, TABLE) == text


@settings(max_examples=40)
@given(st.text(alphabet='{}[]",:/*\\ \n1a', max_size=30))
def test_any_text_is_changed_correctly_or_refused(text: str) -> None:
    try:
        added = with_entry(JSON, text, PATH, ENTRY, whole=False)
    except (UnreadableTextError, UnchangeableTextError):
        return
    assert json_text.parse(added)["mcpServers"]["evals"] == ENTRY  # type: ignore[index]
