"""Servers on free ports that answer as programs with models do, or as none should."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answers = Mapping[str, Any]
"""What is answered to a path: anything as JSON, or bytes as they are."""

OLLAMA: Answers = {
    "/v1/models": {"object": "list", "data": [{"id": "qwen3:4b", "owned_by": "library"}]},
    "/api/version": {"version": "0.12.1"},
}
LM_STUDIO: Answers = {
    "/v1/models": {"data": [{"id": "gemma-3-4b", "owned_by": "organization_owner"}]},
    "/api/v0/models": {"data": []},
}
LLAMA_CPP: Answers = {
    "server": "llama.cpp",
    "/health": {"status": "ok"},
    "/v1/models": {"data": [{"id": "smol.gguf", "owned_by": "llamacpp"}]},
}
VLLM: Answers = {"/v1/models": {"data": [{"id": "Qwen/Qwen3-4B", "owned_by": "vllm"}]}}


class ModelProgram:
    """A running server and the requests that it got."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers of each request."""


@contextmanager
def model_program(
    answers: Answers, chat: str | None = None, refusal: int = 404
) -> Generator[ModelProgram]:
    """Yield a server on a free port of loopback.

    Args:
        answers: What it answers to GET requests.
        chat: What each chat completion says; None refuses it.
        refusal: The status of everything else.
    """

    refused = refusal if refusal >= 400 else 404

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            program.requests.append(("GET", self.path, dict(self.headers)))
            answer = answers.get(self.path)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.reply(refused if answer is None else 200, body)

        def do_POST(self) -> None:
            program.requests.append(("POST", self.path, dict(self.headers)))
            self.rfile.read(int(self.headers["Content-Length"]))
            message = {"role": "assistant", "content": chat}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            body = json.dumps({"id": "c", "object": "chat.completion", "choices": [choice]})
            self.reply(refused if chat is None else 200, body.encode())

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def version_string(self) -> str:
            return answers.get("server", "test")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base class
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    program = ModelProgram(server.server_address[1])
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield program
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
