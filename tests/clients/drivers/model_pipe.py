"""The model of a client: its calls come from standard input, and what it sees is printed.

A driver writes one line with the tools that the model is offered. Then it reads one call per line
and writes what the model sees of the answer, until standard input ends.
"""

import asyncio
import json
import os
import sys

TARGET = json.loads(sys.argv[1])
"""The server: `command`, `args`, `env` and `cwd`, or `url`."""
VIEW = sys.argv[2]
"""The part of an answer that a client without its own model shows: text or structured."""


def offer(tools):
    """Write the tools that the model is offered: name, description and JSON Schema of each."""
    keys = ("name", "description", "parameters")
    _write({"tools": [dict(zip(keys, tool, strict=True)) for tool in tools]})


def show(seen):
    """Write what the model sees of an answer; an object is written as JSON."""
    _write({"seen": seen if isinstance(seen, str) else json.dumps(seen, ensure_ascii=False)})


async def next_call():
    """Return the tool to call and its arguments; None at the end of the story."""
    line = await asyncio.to_thread(sys.stdin.readline)
    return tuple(json.loads(line)) if line else None


def text_of(content):
    """Return the text of a result's parts."""
    return "\n".join(part.text for part in content if part.type == "text")


def _write(line):
    print(json.dumps(line), file=_OUT, flush=True)


_OUT = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
sys.stdout = sys.stderr  # other output of the client goes to standard error
