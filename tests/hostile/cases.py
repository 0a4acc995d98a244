"""The hostile templates, cells and files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.engine.templates.bombs import BOMBS, repeated

_LOOP = "{% for i in range(99999) %}{% for j in range(99999) %}"
_END = "{% endfor %}{% endfor %}"

TEMPLATES = [
    *BOMBS,
    *(
        f"{_LOOP}{{% set x = {step} %}}{_END}"
        for step in (
            "big == big ~ 'b'",
            "big.upper()",
            "big|title",
            "big|wordwrap(3)",
            "big|urlize",
            "big|striptags",
            "big|sort",
            "big|list",
            "big[::-1]",
            "big|tojson",
            "big|replace('a', 'bb')",
            "[big]|pprint",
            "range(9999)|sum",
            "range(9999)|list|sort",
            "cycler(*range(9999))",
            "big is eq big",
        )
    ),
    *(repeated(step, first, "ns.x|string|length") for step, first in (
        ("(ns.x, ns.x)", "1"),
        ("[ns.x] + [ns.x]", "1"),
        ("ns.x ~ ns.x", "'ab'"),
        ("ns.x * 2", "[1]"),
        ("{ns.x|string: ns.x}", "1"),
        ("ns.x|string|int + ns.x", "10 ** 4000"),
        ("ns.x // 3 * 7 ** 99", "'f'|int(1, 16) * 9 ** 999"),
    )),
    "{{ 10 ** 10 ** 7 // 3 }}",
    "{{ ('1' * 10 ** 7)|int(0, 32) is divisibleby 7 }}",
    "{{ '%999999999s' % 1 }}",
    "{{ range(99999)|map('string')|join(big) }}",
    "{{ lipsum(n=10 ** 6) }}",
    "{{ ''.join(range(99999)|map('string')) * 10 ** 5 }}",
    "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "{% set x %}" + _LOOP + "x" + _END + "{% endset %}{{ x }}",
    "{{" + "(" * 20_000 + "1" + ")" * 20_000 + "}}",
    "{{" + "-" * 60_000 + "1}}",
    "{{" + "1+" * 30_000 + "1}}",
    "{{" + "[" * 20_000 + "]" * 20_000 + "}}",
    "{% if 1 %}" * 5_000 + "{% endif %}" * 5_000,
    "{{ x" + "|list" * 10_000 + " }}",
]  # fmt: skip
"""Judge templates; a row has the columns `big`, 100,000 letters, and `answer`."""

_SIZE = 400_000


def _text(part: str) -> str:
    return (part * _SIZE)[:_SIZE]


_PARTS = [
    "\u0301",
    "a\u0301\u0316",
    "1",
    "1.11,",
    "1,",
    "-1",
    "1e1",
    "%",
    "a",
    "ab",
    "\u00e9",
    "\u0e01",
    "\u4e00",
    "\uac00",
    "\u0130",
    "\u00df",
    "\ufdfa",
    "\U0001f468\u200d",
    " ",
    "\u3000",
]

CELLS = [
    *(("rule/contains", part, _text(part)) for part in _PARTS),
    *(("rule/numeric", "1", _text(part)) for part in ("1", "1,", "1.1.", "-", "1e", "1 %")),
    *(("rule/similarity", _text("ab"), _text(part)) for part in ("ab", "ba", "\u0301", "\u0130")),
    # Both texts, escaped, go in one request, which may have 4 MiB.
    *(
        ("rule/exact-match", _text(part)[: _SIZE // 2], _text(part)[: _SIZE // 2])
        for part in ("\u0301", "\ufdfa", " a")
    ),
    *(
        ("rule/regex", expression, _text("a"))
        for expression in (
            "(a+)+$",
            "(a|a)*b",
            "(a|aa)+$",
            "(?R)",
            "(?:a?){5000}a{5000}",
            "((a{1,99}){1,99}){1,99}b",
            "(" * 5_000 + ")" * 5_000,
            "a?" * 5_000,
            "(a*)*\\1b",
            "x" * 10_001,
        )
    ),
]
"""Rule judges, each with an expected text and the cell of an answer."""


def _json(make: Callable[[], bytes | str]) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        content = make()
        (folder / "a.json").write_bytes(content.encode() if isinstance(content, str) else content)
        return "a.json"

    return write


def _lines(name: str, make: Callable[[], bytes]) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / name).write_bytes(make())
        return name

    return write


def _parquet(make: Callable[[Any], Mapping[str, Any]]) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
        parquet.write_table(arrow.table(dict(make(arrow))), folder / "a.parquet")
        return "a.parquet"

    return write


def _eight_mb() -> str:
    return "x" * 8_000_000


FILES: Mapping[str, Callable[[Path], str]] = {
    "a number across two blocks": _json(
        lambda: '[{"a": "' + "x" * 61_000 + '", "b": ' + "9" * 5_000 + "}]"
    ),
    "a number of 1 MB": _json(lambda: '[{"a": ' + "9" * 1_000_000 + "}]"),
    "a million brackets": _json(lambda: "[" * 1_000_000),
    "a million objects in objects": _json(lambda: '[{"a":' * 1_000_000),
    "one text of 60 MB": _json(lambda: '[{"a": "' + "x" * 60_000_000 + '"}]'),
    "8 MB of escapes": _json(lambda: '[{"a": "' + "\\u00e9" * 1_300_000 + '"}]'),
    "an unclosed text": _json(lambda: '[{"a": "' + "x" * 14_000_000),
    "an unclosed array": _json(lambda: "[" + '{"a": 1},' * 500_000),
    "a million items that are numbers": _json(lambda: "[" + "1," * 1_000_000 + "1]"),
    "a million keys in a row": _json(
        lambda: "[" + json.dumps({f"k{number}": number for number in range(300_000)}) + "]"
    ),
    "lists in lists of a row": _json(lambda: '[{"a": ' + "[" * 900 + "]" * 900 + "}]"),
    "blanks only": _json(lambda: "[" + " " * 20_000_000),
    "half surrogates": _json(lambda: '[{"a": "' + "\\ud800" * 100_000 + '"}]'),
    "wrong bytes": _json(lambda: b'[{"a": "' + b"\xc3" * 1_000_000),
    "NaN": _json(lambda: '[{"a": NaN}]'),
    "escaped quotes": _json(lambda: '[{"a": "' + '\\"' * 7_000_000 + '"}]'),
    "256 texts of 8 MB": _parquet(lambda _: {"a": [_eight_mb()] * 256}),
    "64 lists of 2 million numbers": _parquet(lambda _: {"a": [[0, 1] * 1_000_000] * 64}),
    "a list of 20 million numbers": _parquet(
        lambda arrow: {"a": arrow.array([[0] * 20_000_000], arrow.list_(arrow.int8()))}
    ),
    "small rows and then large ones": _parquet(lambda _: {"a": ["x"] * 3_000 + [_eight_mb()] * 60}),
    "20,000 columns": _parquet(lambda _: {f"c{number}": ["x"] for number in range(20_000)}),
    "a dictionary of one text": _parquet(
        lambda arrow: {"a": arrow.array([_eight_mb()] * 200).dictionary_encode()}
    ),
    "a million nulls": _parquet(lambda arrow: {"a": arrow.nulls(1_000_000, arrow.string())}),
    "structures in structures": _parquet(lambda _: {"a": [_nested(90)]}),
    "a Parquet file that is cut": _lines("cut.parquet", lambda: b"PAR1" + b"\0" * 100_000),
    "a line of 40 MB": _lines("a.jsonl", lambda: b'{"a": "' + b"x" * 40_000_000 + b'"}\n'),
    "a line of brackets": _lines("a.jsonl", lambda: b'{"a": ' + b"[" * 2_000_000),
    "a cell of 40 MB": _lines("a.csv", lambda: b"a,b\n" + b"x" * 40_000_000 + b",1\n"),
    "a million commas": _lines("a.csv", lambda: b"a,b\n" + b"," * 1_000_000),
    "an unclosed quote": _lines("a.csv", lambda: b'a,b\n"' + b"x\n" * 10_000_000),
    "a line of digits": _lines("a.jsonl", lambda: b'{"a": ' + b"9" * 2_000_000 + b"}\n"),
}
"""Writes a file into a folder and returns its name, by what is wrong with the file."""


def _nested(depth: int) -> Any:
    return {"a": _nested(depth - 1)} if depth else 1
