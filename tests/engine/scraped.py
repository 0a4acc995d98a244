"""What a scraper reads at an engine, as the client library of Prometheus parses it."""

from __future__ import annotations

import httpx2
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, str], float]
"""Numbers by the name of a figure and the value of its label, "" without one."""


async def scraped(http: httpx2.AsyncClient, **headers: str) -> Samples:
    """Return all figures of an engine."""
    answer = await http.get("http://engine/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parsed(answer.text)


def parsed(text: str) -> Samples:
    """Return the figures of a text; each has a meaning, a type and at most one label."""
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type in {"gauge", "counter"}
        for sample in family.samples:
            assert len(sample.labels) <= 1
            key = (sample.name, "".join(sample.labels.values()))
            assert key not in samples
            samples[key] = sample.value
    return samples
