"""The vendor's own description of the evaluation API, as JSON schemas.

`contract.json` holds the schemas of the vendor's OpenAPI document 2.0.0, with `nullable` written as
a union and `oneOf` as `anyOf`, because any results fit all three schemas of results. One answer is
known to differ from the document: `label_counts` is an object, as at the vendor's live service.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

_PATH = Path(__file__).parent / "evaluation_api" / "contract.json"


@cache
def _document() -> dict[str, Any]:
    document = json.loads(_PATH.read_text("utf-8"))
    document["$defs"]["EvaluationClassifyResults"]["properties"]["label_counts"] = {
        "type": "object",
        "additionalProperties": {"type": "integer"},
    }
    return document


def assert_answer(operation: str, body: object) -> None:
    """Fail if an answer is not what the document says, such as `GET /evaluation 200`."""
    _assert(_document()["answers"][operation], body)


def assert_create(body: object) -> None:
    """Fail if the body of a create is not what the document says."""
    _assert({"$ref": "#/$defs/EvaluationTypedRequest"}, body)


def _assert(schema: dict[str, Any], value: object) -> None:
    jsonschema.validate(value, {**schema, "$defs": _document()["$defs"]})
