"""A conversation with a page in it: a bridge of ext-apps, with the real server behind it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals_mcp.views.document import app_document
from tests.locked_packages import NODE, npm_packages
from tests.page.browser.looking import Looked
from tests.page.browser.packages import ROOT
from tests.page.browser.world import World
from tests.server.serving import Served

SOURCES = Path(__file__).parents[1] / "host"
FOLDER = ROOT / "build" / "page-host"
VERSIONS = ("2", "1")
"""The generations of ext-apps: 2.0.4 and 1.7.5."""

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' data:; connect-src 'none'; frame-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'"
)
"""The policy of the specification for a page that names no domains."""

EVERYTHING: dict[str, Any] = {
    "serverTools": {},
    "message": {"text": {}},
    "updateModelContext": {"text": {}},
    "openLinks": {},
    "logging": {},
}
"""What an application can do."""


def bundle(version: str) -> Path:
    """Return the script of the conversation with one generation of ext-apps.

    Raises:
        SystemExit: the packages cannot be installed, or the script cannot be built.
    """
    npm_packages(FOLDER, SOURCES / "package-lock.json")
    shutil.copy(SOURCES / "host.ts", FOLDER)
    script = FOLDER / f"host-{version}.js"
    build = (
        "import('esbuild').then(({build}) => build({bundle: true, entryPoints: ['host.ts'], "
        f"outfile: '{script.name}', alias: {{'ext-apps': 'ext-apps-{version}'}}, "
        "format: 'iife', logLevel: 'error'})).catch(() => process.exit(1))"
    )
    if subprocess.run([NODE, "-e", build], cwd=FOLDER, check=False).returncode:
        sys.exit(f"{SOURCES} could not be built.")
    return script


def schema_of_messages(version: str) -> Path:
    """Return the JSON schema of all messages, as ext-apps publishes it."""
    return FOLDER / "node_modules" / f"ext-apps-{version}" / "dist/src/generated/schema.json"


@dataclass
class Conversation:
    """One conversation in a window of its own."""

    page: Any
    server: Served
    looked: Looked
    calls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The tools that the page called, with their arguments."""
    answers: list[tuple[str, dict[str, Any]]] = field(
        default_factory=list[tuple[str, dict[str, Any]]]
    )
    """The answers of these tools, with their names."""
    failing: dict[str, str] = field(default_factory=dict[str, str])
    """The error of a tool by its name, in place of a call."""
    without_meta: bool = False
    """Whether the application passes on no `_meta` of a result."""

    @property
    def frame(self) -> Any:
        """The innermost frame, with the page."""
        return self.page.frames[-1]

    async def open(
        self,
        tool: str = "get_evaluation",
        *,
        frame: str = "write",
        capabilities: Mapping[str, Any] = EVERYTHING,
        **options: Any,
    ) -> None:
        """Open the page for a tool that is being called."""
        info = {"name": tool, "inputSchema": {"type": "object"}}
        facts = {"html": app_document(), "frame": frame, "capabilities": capabilities}
        await self.page.evaluate("options => open(options)", facts | {"tool": info} | options)

    async def send(self, notification: str, params: Mapping[str, Any]) -> None:
        """Send the page what an application sends, such as `ToolInput`."""
        await self.page.evaluate(
            "([name, params]) => bridge[`send${name}`](params)", [notification, params]
        )

    async def show(self, tool: str, arguments: dict[str, Any], **options: Any) -> None:
        """Call a tool as the model of a conversation does, and show the page with its answer."""
        await self.open(tool, **options)
        await self.send("ToolInput", {"arguments": arguments})
        await self.send("ToolResult", await self.answer(tool, arguments))

    async def answer(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the result of a tool as it is on the wire."""
        result = await self.server.call(tool, **arguments)
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def say(self, text: str) -> None:
        """Put what a person said above the page, for pictures."""
        script = (
            "text => { const said = document.createElement('p'); said.className = 'said'; "
            "said.textContent = text; document.getElementById('conversation').append(said) }"
        )
        await self.page.evaluate(script, text)

    async def picture(self, path: Path) -> None:
        """Take a picture of the conversation down to the end of the page."""
        await self.page.wait_for_timeout(500)
        height = await self.page.evaluate("frame.getBoundingClientRect().bottom + 20")
        size = self.page.viewport_size
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height}
        await self.page.screenshot(path=path, full_page=True, clip=clip)

    async def messages(self, method: str = "") -> list[dict[str, Any]]:
        """Return what the page sent, or what it sent with one method."""
        sent = await self.page.evaluate("messages")
        return [each for each in sent if not method or each.get("method") == method]

    async def text(self) -> str:
        """Return what a person reads on the page."""
        return await self.frame.inner_text("#page")

    async def see(self, text: str) -> None:
        """Wait until the page shows a text."""
        await self.frame.get_by_text(text).first.wait_for(timeout=60_000)

    async def _called(self, params: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(params)
        result = await self._answer(params)
        self.answers.append((params["name"], result))
        return result

    async def _answer(self, params: dict[str, Any]) -> dict[str, Any]:
        if error := self.failing.get(params["name"]):
            return {"isError": True, "content": [{"type": "text", "text": error}]}
        result = await self.answer(params["name"], params.get("arguments", {}))
        return {**result, "_meta": {}} if self.without_meta else result


@asynccontextmanager
async def conversation(
    world: World, *, version: str = "2", width: int = 800, scheme: str = "light", **options: Any
) -> AsyncGenerator[Conversation]:
    """Open a conversation whose application uses one generation of ext-apps."""
    script = bundle(version).read_text(encoding="utf-8")
    size = {"width": width, "height": 900}
    context = await world.browser.new_context(viewport=size, color_scheme=scheme, **options)

    async def answer(route: Any) -> None:
        address = route.request.url
        if address == "https://conversation.test/host.js":
            await route.fulfill(body=script, content_type="text/javascript")
        elif address == "https://conversation.test/":
            body = (SOURCES / "host.html").read_text(encoding="utf-8")
            await route.fulfill(body=body, content_type="text/html")
        elif address.startswith("https://sandbox.test/?"):
            body = (SOURCES / "sandbox.html").read_text(encoding="utf-8")
            headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html"}
            await route.fulfill(body=body, headers=headers)
        else:
            await route.abort()

    def note(message: Any) -> None:
        # The bridge of ext-apps logs each message for debugging.
        if message.type in {"error", "warning"}:
            looked.logged.append(message.text)

    try:
        await context.route("**/*", answer)
        page = await context.new_page()
        looked = Looked(page)
        talk = Conversation(page, world.server, looked)
        page.on("console", note)
        page.on("pageerror", lambda error: looked.logged.append(str(error)))
        page.on("request", lambda request: looked.requested.append(request.url))
        await page.expose_function("callTool", talk._called)
        await page.goto("https://conversation.test/")
        yield talk
    finally:
        await context.close()
