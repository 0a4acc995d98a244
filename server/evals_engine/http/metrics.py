"""GET /metrics: figures of the whole engine in the text format of Prometheus, version 0.0.4.

The figures come from the database when they are asked for, since most rows are judged by processes
without a port. A library would count in this process, which is why the format is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import version

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from evals_engine.config import EngineConfig
from evals_engine.errors import ApiError
from evals_engine.http.engine import engine_of
from evals_engine.http.owners import METRICS_PATH, bearer_digest, digest_of, is_equal
from evals_engine.store.errors import StorageError
from evals_engine.store.metrics import Metric, Series, alone

MEDIA_TYPE = "text/plain; version=0.0.4"

DATABASE_UP = Series(
    "evals_database_up",
    "gauge",
    "Whether the database answers; without it there are no other figures.",
)
VERSION = Series("evals_build_info", "gauge", "Always 1, with the version.", "version")


async def metrics(request: Request) -> Response:
    """GET /metrics: the figures, or only that the database does not answer."""
    engine = engine_of(request)
    _check_reader(engine.config, request.scope)
    figures = [Metric(VERSION, {version("evals-mcp"): 1})]
    try:
        stored = await to_thread.run_sync(engine.store.metrics)
        figures += [alone(DATABASE_UP, 1), *stored]
    except StorageError:
        figures.append(alone(DATABASE_UP, 0))
    return PlainTextResponse(as_text(figures), media_type=MEDIA_TYPE)


def _check_reader(config: EngineConfig, scope: Scope) -> None:
    """Raise ApiError unless a request may read figures of all owners.

    Without any token this machine alone is answered anyway. A connection from this machine is no
    permission if there are tokens: it may be that of a proxy.
    """
    accepted = [token for token in (config.token, config.metrics_token) if token is not None]
    if not accepted and not config.tokens and config.server_token is None:
        return
    if not accepted:
        raise ApiError(
            403,
            "The figures are of all owners, and no token may read them: the administrator sets one "
            "for [engine.metrics].",
        )
    digest = bearer_digest(scope)
    if not any(is_equal(digest, digest_of(token)) for token in accepted):
        refused = ApiError(
            401,
            "The figures are of all owners: send the token of [engine.metrics] or engine.token.",
            code="invalid_api_key",
        )
        refused.headers = {"WWW-Authenticate": "Bearer"}
        raise refused


def as_text(figures: Iterable[Metric]) -> str:
    """Return figures in the text format, each with its meaning and type."""
    return "".join(line + "\n" for figure in figures for line in _lines(figure))


def _lines(figure: Metric) -> Iterator[str]:
    series = figure.series
    yield f"# HELP {series.name} {_escaped(series.meaning)}"
    yield f"# TYPE {series.name} {series.kind}"
    for value, number in figure.samples.items():
        quoted = _escaped(value).replace('"', '\\"')
        label = "" if series.label is None else f'{{{series.label}="{quoted}"}}'
        yield f"{series.name}{label} {number:.17g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


routes = [Route(METRICS_PATH, metrics)]
