"""The model's end of a client: its thoughts come from standard input, what it sees goes out.

A driver writes one line with the tools that the model is offered, then reads a call a line and
writes what the model sees of the answer, until standard input ends.
"""

import asyncio
import json
import os
import sys

TARGET = json.loads(sys.argv[1])
"""The server: `command`, `args`, `env` and `cwd`, or `url`."""
VIEW = sys.argv[2]
"""What a client without a model of its own shows of an answer: text or structured."""


def offer(tools):
    """Tell which tools the model is offered: name, description and JSON Schema of each."""
    keys = ("name", "description", "parameters")
    _write({"tools": [dict(zip(keys, tool, strict=True)) for tool in tools]})


def show(seen):
    """Tell what the model sees of an answer; an object is shown as JSON."""
    _write({"seen": seen if isinstance(seen, str) else json.dumps(seen, ensure_ascii=False)})


async def next_call():
    """The tool to call and its arguments, or None at the end of the story."""
    line = await asyncio.to_thread(sys.stdin.readline)
    return tuple(json.loads(line)) if line else None


def text_of(content):
    """The text of a result's parts."""
    return "\n".join(part.text for part in content if part.type == "text")


def _write(line):
    print(json.dumps(line), file=_OUT, flush=True)


_OUT = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
sys.stdout = sys.stderr  # whatever else a client prints is no line of ours
