"""Rows, labels and column names that try to be more than text in a page."""

from __future__ import annotations

from typing import Any

TEXTS = (
    "<script>window.ran = 1</script>",
    '<img src=x onerror="window.ran = 1">',
    "</script><script>window.ran = 1</script>",
    "<!--<script>window.ran = 1//-->",
    "<svg onload=window.ran=1>",
    '<iframe srcdoc="<script>parent.ran=1</script>"></iframe>',
    "<style>body{display:none}</style><link rel=stylesheet href=//127.0.0.1:9/x>",
    '<a href="javascript:window.ran=1">click</a>',
    "[click](javascript:window.ran=1) ![x](http://127.0.0.1:9/x)",
    "{{constructor.constructor('window.ran=1')()}}",
    "${window.ran = 1}",
    "\u202eright to left\u202c and \u2066isolated",
    "a" * 6_000,
    "\u2028\u2029line separators",
    "&lt;b&gt;escaped&lt;/b&gt; &amp;",
    "<form action=http://127.0.0.1:9/x><input name=q><button>Send</button></form>",
    "<base href=http://127.0.0.1:9/>",
    "<meta http-equiv=refresh content=0;url=http://127.0.0.1:9/x>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.ran=1>",
    "<template><script>window.ran=1</script></template>",
    "A very long line of ordinary words " * 200,
    "line\nbreaks\n\n  and    spaces\tand tabs",
    "\u0301" * 300,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467" * 50,
)


def hostile_rows() -> list[dict[str, Any]]:
    """Return rows of them, judged by whether the answer contains what is expected."""
    return [
        {
            "question": text,
            "<b>column</b>": TEXTS[n - 1],
            "__proto__": f"number {n}",
            "answer": TEXTS[-n - 1],
            "expected": TEXTS[-n - 1] if n % 2 else "something else",
        }
        for n, text in enumerate(TEXTS)
    ]
