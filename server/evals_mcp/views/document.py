"""The text of the page with what belongs to it: data, policy and title.

`page.html` is built from `page/` by `make page`. It has one style and one script, and nothing else
is loaded. The policy names both by their digests, so that no other script or style can run.
"""

from __future__ import annotations

import base64
import html
import json
import re
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
NOTHING = "'none'"
"""What a page may connect to that has all its data."""

_POLICY = "<!--policy-->"
_TITLE = "<title>Evaluation</title>"
_DATA = "<!--data-->"
_NOTHING_ELSE = (
    "img-src data:; form-action 'none'; base-uri 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)


@cache
def page_text() -> str:
    """Return the page as it was built."""
    return resources.files("evals_mcp.views").joinpath("page.html").read_text("utf-8")


@cache
def policy(connect: str) -> str:
    """Return the content security policy of the page.

    Args:
        connect: where the page may send requests, such as `'none'`.
    """
    script, style = (_digest(pattern, page_text()) for pattern in (_SCRIPT, _STYLE))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src {connect}; "
        f"{_NOTHING_ELSE}"
    )


def report_document(data: dict[str, Any], title: str, summary: str) -> bytes:
    """Return a page with its data, which is complete in one file and loads nothing.

    Args:
        data: a JSON object; texts in it may be hostile.
        title: the title of the document, as plain text.
        summary: what is shown where scripts do not run, as plain text.
    """
    # Inside a data block only `<` can begin something; as an escape it is the same JSON.
    block = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    block = block.replace("<", "\\u003c")
    parts = {
        _POLICY: f'<meta http-equiv="Content-Security-Policy" content="{policy(NOTHING)}">',
        _TITLE: f"<title>{html.escape(title)}</title>",
        _DATA: f"<noscript><p>{html.escape(summary)}</p></noscript>\n"
        f'<script type="application/json" id="data">{block}</script>',
    }
    return _with(parts).encode("utf-8", "replace")


@cache
def app_document() -> str:
    """Return the page without data for a conversation, which has it in a frame.

    Its policy allows inline scripts in general, because some clients put their own into the page.
    """
    policy = (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
        "connect-src 'none'; form-action 'none'; base-uri 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return _with({_POLICY: meta, _DATA: ""})


def live_document() -> bytes:
    """Return the page without data, which it asks the server for; its policy is a header."""
    return _with({_POLICY: "", _DATA: ""}).encode()


def _with(parts: dict[str, str]) -> str:
    """Return the page with parts in their places, of which no part can hold another."""
    pattern = re.compile("|".join(map(re.escape, parts)))
    return pattern.sub(lambda match: parts[match[0]], page_text())


def _digest(pattern: re.Pattern[str], text: str) -> str:
    (content,) = pattern.findall(text)
    digest = base64.b64encode(sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"
