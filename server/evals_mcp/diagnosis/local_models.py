"""Finds servers of models on this machine: Ollama, LM Studio, llama.cpp, vLLM.

Only GET requests to 127.0.0.1 are sent, without a key, a proxy or redirects, each bounded in time
and size. What answers may be any program: names of models are data.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Timer

from evals_mcp.cleaning import clean
from evals_mcp.installing.texts.values import is_table, items

PORTS: Mapping[int, str] = {11434: "Ollama", 1234: "LM Studio", 8080: "llama.cpp", 8000: "vLLM"}
"""The usual port of each program."""

_MOST_BYTES = 2**20
_MOST_MODELS = 50
_MOST_CHARACTERS = 120
_SECONDS = 1.0
"""Seconds for one request, from its connection to the last byte of its answer."""


@dataclass(frozen=True)
class LocalModels:
    """A server of models that answers on this machine."""

    program: str
    base_url: str
    models: tuple[str, ...]
    """Names as the server has them, without those that are not plain."""


def find_local_models(
    ports: Mapping[int, str] = PORTS, skipped: Sequence[int] = ()
) -> list[LocalModels]:
    """Return what answers on these ports as a server of models does, in the order of the ports.

    Args:
        ports: The ports, each with the program that usually listens there.
        skipped: Ports that this server listens on itself.
    """
    asked = [port for port in ports if port not in skipped]
    if not asked:
        return []
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(_look, asked, [ports[port] for port in asked]))
    return [answer for answer in answers if answer is not None]


def models_at(base_url: str, port: int) -> LocalModels | None:
    """Return the models of an address of this machine; None if nothing answers as it should."""
    path = base_url.partition("//")[2].partition("/")[2].rstrip("/")
    return _look(port, "", f"/{path}" if path else "")


def _look(port: int, usual: str, path: str = "/v1") -> LocalModels | None:
    answer = _get(port, f"{path}/models")
    if answer is None:
        return None
    content, server = answer
    listed = content.get("data") if is_table(content) else None
    if listed is None or (listed and not items(listed)):
        return None
    entries = [entry for entry in items(listed) if is_table(entry)]
    names = [name for entry in entries if isinstance(name := entry.get("id"), str)]
    program = _program(port, usual, server, {entry.get("owned_by") for entry in entries if entry})
    plain = [name for name in names if name and clean(name, _MOST_CHARACTERS) == name]
    return LocalModels(program, f"http://127.0.0.1:{port}{path}", tuple(plain[:_MOST_MODELS]))


def _program(port: int, usual: str, server: str, owners: set[object]) -> str:
    """Return the name of the program by what it says about itself, else by its port."""
    if server == "llama.cpp" or "llamacpp" in owners:
        return "llama.cpp"
    if "vllm" in owners:
        return "vLLM"
    # Asked only once the list of models looks right.
    version = _get(port, "/api/version")
    if version and is_table(version[0]) and isinstance(version[0].get("version"), str):
        return "Ollama"
    return f"{usual or 'a server of models'} (by its port)" if usual else "a server of models"


def _get(port: int, path: str) -> tuple[object, str] | None:
    """Return JSON and the name of the server; None for any other answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    watchdog = Timer(_SECONDS, _cut, [connection])
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200 or "json" not in answer.getheader("content-type", ""):
            return None
        body = answer.read(_MOST_BYTES + 1)
        if len(body) > _MOST_BYTES:
            return None
        return json.loads(body), answer.getheader("server", "")
    except (OSError, http.client.HTTPException, ValueError, RecursionError, AttributeError):
        return None  # an AttributeError: the watchdog has cut the connection
    finally:
        watchdog.cancel()
        connection.close()


def _cut(connection: http.client.HTTPConnection) -> None:
    """End a connection that takes too long."""
    with suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
