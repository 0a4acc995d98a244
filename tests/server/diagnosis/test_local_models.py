"""Servers of models are found on this machine, and nothing else is taken for one."""

from __future__ import annotations

import json
import socket
from collections.abc import Generator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest

from evals_mcp.diagnosis.local_models import LocalModels, find_local_models
from tests.server.diagnosis.model_servers import (
    LLAMA_CPP,
    LM_STUDIO,
    OLLAMA,
    VLLM,
    Answers,
    model_program,
)


@pytest.mark.parametrize(
    ("answers", "usual", "program", "model"),
    [
        (OLLAMA, "Ollama", "Ollama", "qwen3:4b"),
        (OLLAMA, "vLLM", "Ollama", "qwen3:4b"),
        (LM_STUDIO, "LM Studio", "LM Studio (by its port)", "gemma-3-4b"),
        (LLAMA_CPP, "llama.cpp", "llama.cpp", "smol.gguf"),
        (VLLM, "vLLM", "vLLM", "Qwen/Qwen3-4B"),
    ],
)
def test_a_program_is_found_with_its_models(
    answers: Answers, usual: str, program: str, model: str
) -> None:
    with model_program(answers) as running:
        found = find_local_models({running.port: usual})

    assert found == [LocalModels(program, f"http://127.0.0.1:{running.port}/v1", (model,))]
    assert {method for method, _, _ in running.requests} == {"GET"}
    headers = {name.lower() for _, _, sent in running.requests for name in sent}
    assert headers <= {"host", "accept", "accept-encoding"}


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>hello</html>",
        {"data": "no list"},
        {"models": []},
        [1, 2],
        b"[" * 100_000,
        b"\xff",
        b'{"data": [' + b"1," * 600_000 + b"1]}",
        None,
    ],
    ids=["page", "text", "other", "list", "deep", "bytes", "huge", "missing"],
)
def test_another_program_is_passed_over(answer: Any) -> None:
    with model_program({"/v1/models": answer}) as running:
        assert find_local_models({running.port: "vLLM"}) == []


def test_names_are_data() -> None:
    hostile = ["good", "\x1b[31mred", "two\nlines", "x" * 1000, 7, None, "  ", "\u202eback"]
    data = [{"id": name} for name in hostile] + ["no object", {}]
    with model_program({"/v1/models": {"data": data}}) as running:
        (found,) = find_local_models({running.port: "vLLM"})

    assert found.models == ("good",)


def test_at_most_fifty_models_are_listed() -> None:
    listed = {"data": [{"id": f"model-{number}"} for number in range(500)]}
    with model_program({"/v1/models": listed}) as running:
        (found,) = find_local_models({running.port: "vLLM"})

    assert len(found.models) == 50


def test_a_closed_port_and_our_own_port_are_no_servers_of_models() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with model_program(VLLM) as running:
        ports = {port: "Ollama", running.port: "vLLM"}
        assert find_local_models(ports, skipped=[running.port]) == []
    assert running.requests == []
    assert find_local_models({}) == []


@contextmanager
def dripping(head: bytes) -> Generator[int]:
    """Yield the port of a server that sends this and then nothing more, and never closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections: list[socket.socket] = []

        def serve() -> None:
            connection, _ = listener.accept()
            connections.append(connection)
            connection.recv(4096)
            connection.sendall(head)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join()
            for connection in connections:
                connection.close()


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-A:",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[",
    ],
)
def test_a_server_that_never_finishes_is_given_up(head: bytes) -> None:
    with dripping(head) as port:
        assert find_local_models({port: "Ollama"}) == []


def test_a_redirect_is_not_followed() -> None:
    with model_program(OLLAMA) as elsewhere:
        where = f"http://127.0.0.1:{elsewhere.port}/v1/models"
        head = f"HTTP/1.1 302 Found\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n"
        with dripping(head.encode()) as port:
            assert find_local_models({port: "Ollama"}) == []
    assert elsewhere.requests == []


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with model_program(OLLAMA) as proxy, model_program(VLLM) as running:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        assert len(find_local_models({running.port: "vLLM"})) == 1
    assert proxy.requests == []
    assert json.dumps(running.requests).count("/v1/models") == 1
