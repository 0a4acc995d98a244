"""The page as a document: whatever the data say, they stay data, and nothing else can run."""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from evals_mcp.views.document import live_document, page_text, report_document
from tests.page.shapes import shapes
from tests.volume import examples

SOURCES = Path(__file__).resolve().parents[3] / "page" / "src"

HOSTILE = st.text() | st.sampled_from(
    [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "<!--policy--><!--data-->",
        "]]>\u2028\u2029",
        '"><img src=x onerror=alert(1)>',
        "\\u003c/script>",
        "$& $1 \\1 \\g<0>",
    ]
)


class Elements(HTMLParser):
    """The elements of a document with their attributes, and the text of each."""

    def __init__(self, document: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.inside = False
        self.feed(document.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))
        self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)

    def of(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, text) for name, attributes, text in self.found if name == tag]


PLAIN = [tag for tag, _, _ in Elements(report_document({}, "", "")).found]


@settings(max_examples=examples(40), deadline=None)
@given(st.dictionaries(HOSTILE, HOSTILE | st.lists(HOSTILE)), HOSTILE, HOSTILE)
def test_data_come_back_as_they_were_and_add_no_element(
    data: dict[str, object], title: str, summary: str
) -> None:
    document = report_document(data, title, summary)
    elements = Elements(document)
    assert [tag for tag, _, _ in elements.found] == PLAIN
    ((_, block),) = [each for each in elements.of("script") if each[0].get("id") == "data"]
    written = json.loads(json.dumps(data).encode())
    assert json.loads(block) == json.loads(
        json.dumps(written, ensure_ascii=False).encode("utf-8", "replace")
    )


def test_the_policy_names_the_digests_of_the_only_script_and_style() -> None:
    elements = Elements(report_document({}, "", ""))
    ((policy, _),) = [each for each in elements.of("meta") if "http-equiv" in each[0]]
    content = str(policy["content"])
    (script,) = [text for attributes, text in elements.of("script") if not attributes]
    ((_, style),) = elements.of("style")
    for directive, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in content
    assert "default-src 'none'" in content
    assert "connect-src 'none'" in content
    assert "require-trusted-types-for 'script'" in content


def test_the_page_loads_nothing_and_sets_no_markup() -> None:
    text = page_text()
    assert len(text.encode()) < 120_000
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
    assert addresses <= {
        "http://www.w3.org/1998/Math/MathML",
        "http://www.w3.org/1999/xhtml",
        "http://www.w3.org/2000/svg",
    }
    for word in ("insertAdjacentHTML", "document.write", "eval(", "new Function", "import("):
        assert word not in text
    assert b"http-equiv" not in live_document()
    assert b'id="data"' not in live_document()


def test_the_types_of_the_page_are_those_of_the_models() -> None:
    written = (SOURCES / "shapes.ts").read_text(encoding="utf-8")
    assert written == shapes(), "run make schemas"


def test_no_source_of_the_page_makes_an_element_or_an_address_of_data() -> None:
    sources = [path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.ts*")]
    assert len(sources) > 8
    for word in ("innerHTML", "InnerHTML", "document.write", "eval(", "href", "src=", ' style="'):
        assert [text for text in sources if word in text] == []
