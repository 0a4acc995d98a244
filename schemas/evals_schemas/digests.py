"""Names for content: data sets, rows, answers, rubrics, judges and requests as short digests.

Equal content has an equal name in every process and on every machine; other content has another
one. A digest is written `<kind><version>-<32 hexadecimal digits>`, such as `row1-5f0c…`, so that a
digest of one kind or version is never taken for one of another.

What counts as equal: JSON values with the same meaning. The order of keys, white space, escapes
and the spelling of a number (`1`, `1.0` and `1e0`) do not count. Types do: `1`, `"1"` and `true`
are three values. Texts are compared by code point: composed and decomposed letters are different
texts, because a model reads them as different ones. A column with null is the same as an absent
column, at the top level of a row only.

The hash is BLAKE2b with 128 bits (RFC 7693).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b, sha256
from operator import itemgetter
from typing import Any, cast

VERSION = 1
"""Version of the canonical form. A change of any digest of equal content needs a new one."""

DIGEST_BYTES = 16
COLUMN_BYTES = 8
"""Length of the key of one value of a column; see `column_key`."""

MAX_DEPTH = 200
"""The nesting of lists and objects up to which the spelling of numbers does not count."""

_TOKEN_FIELD = "external_api_token"  # noqa: S105 - the name of a field, not a token
_SPEED_FIELDS = frozenset({"num_workers"})
"""Fields that decide how fast something is measured, not what."""

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_QUOTE = ord('"')
_first_byte = itemgetter(0)
_decode_start = json.JSONDecoder().raw_decode
_LITERALS = frozenset({b"true", b"false", b"null"})
_FLAT = frozenset({str, int, bool, type(None)})


def value_digest(kind: str, value: object) -> str:
    """Return the name of any JSON value.

    Args:
        kind: what the value is; values of different kinds never share a name.
        value: a JSON value: null, booleans, numbers, texts, lists, and objects with text keys.

    Raises:
        TypeError: it is not a JSON value.
    """
    return _written(kind, _hash(kind, value))


def row_digest(row: Mapping[str, Any], columns: Collection[str] | None = None) -> str:
    """Return the name of a row, or of the row that has only some of its columns.

    Args:
        row: column names and JSON values.
        columns: the columns of a projection; all columns if None. Their order does not count.
    """
    return _written("row", row_key(row, columns))


def row_key(row: Mapping[str, Any], columns: Collection[str] | None = None) -> bytes:
    """Return the 16 bytes of `row_digest`, for tables that hold a million rows."""
    names = row if columns is None else columns
    return _hash("row", {name: row[name] for name in names if row.get(name) is not None})


def dataset_digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the name of a data set: its rows in their order. The rows are read as a stream."""
    digest = DatasetDigest()
    for row in rows:
        digest.add(row)
    return digest.name()


class DatasetDigest:
    """The name of a data set whose rows arrive one by one; see `dataset_digest`."""

    def __init__(self) -> None:
        """Begin a data set without rows."""
        self._running = blake2b(_header("dataset"), digest_size=DIGEST_BYTES)

    def add(self, row: Mapping[str, Any], columns: Collection[str] | None = None) -> None:
        """Add the next row, or its projection to some columns; see `row_digest`."""
        self._running.update(row_key(row, columns))

    def name(self) -> str:
        """Return the name of the rows so far."""
        return _written("dataset", self._running.digest())


def answer_digest(*answers: object) -> str:
    """Return the name of what was judged: one answer, or two in the order A, B."""
    return _written("answer", answer_key(answers))


def answer_key(answers: Sequence[object]) -> bytes:
    """Return the 16 bytes of `answer_digest`, for tables that hold a million rows."""
    return _hash("answer", list(answers))


def column_key(value: object) -> bytes:
    """Return the 8 bytes that stand for one value of a column in the index of a result file.

    Equal values have an equal key, with the same meaning of equal as in all digests. Two different
    values share a key with a probability of 2**-64. The key is the plainest JSON of the value: the
    bytes themselves if they are at most 8, else their hash.
    """
    normal = _normal(value, 0)
    if isinstance(normal, str):
        return _text_key(normal)
    return _key_of(_encode(normal).encode())


def column_keys_of_json(spellings: Sequence[bytes]) -> list[bytes]:
    """Return `column_key` of many values that are written as JSON, faster where that is possible.

    Texts without a backslash, plain integers and `true`, `false` and `null` have one spelling only,
    which is hashed unread. Everything else is read first. A value that is nested too deeply to be
    read is equal only to a value with the same spelling.

    Args:
        spellings: valid JSON values in UTF-8, without white space around them.

    Raises:
        ValueError: an integer has more digits than Python reads.
    """
    joined = b"".join(spellings)
    only_texts = b"\\" not in joined and set(map(_first_byte, spellings)) == {_QUOTE}
    if only_texts or joined.isdigit():
        return [
            blake2b(spelling, digest_size=COLUMN_BYTES).digest()
            if len(spelling) > COLUMN_BYTES
            else spelling.ljust(COLUMN_BYTES, b"\0")
            for spelling in spellings
        ]
    return list(map(_key_of_json, spellings))


def _key_of_json(spelling: bytes) -> bytes:
    first = spelling[0]
    if first == _QUOTE:
        if b"\\" in spelling:
            return _text_key(_decode_start(spelling.decode())[0])
        return _key_of(spelling)
    if spelling.isdigit() or spelling in _LITERALS:
        return _key_of(spelling)
    try:
        return column_key(json.loads(spelling))
    except RecursionError:
        return _key_of(spelling)


def _text_key(text: str) -> bytes:
    """Return the key of a text, whose plainest JSON has no escapes even where JSON needs them."""
    return _key_of(b'"' + text.encode(errors="surrogatepass") + b'"')


def _key_of(spelling: bytes) -> bytes:
    # JSON contains no zero byte, so a padded spelling is not the spelling of another value.
    if len(spelling) <= COLUMN_BYTES:
        return spelling.ljust(COLUMN_BYTES, b"\0")
    return blake2b(spelling, digest_size=COLUMN_BYTES).digest()


def joined_keys(columns: Sequence[Sequence[bytes]], rows: int) -> Sequence[bytes]:
    """Return one key for each row of some columns, from the keys of its values in their order.

    It has 16 bytes, or 8 with one column only.

    Args:
        columns: for each column, the `column_key` of each row.
        rows: number of rows, which counts without a column.
    """
    if len(columns) == 1:
        return columns[0]
    if not columns:
        return [b""] * rows
    joined = map(b"".join, zip(*columns, strict=True))
    return [blake2b(keys, digest_size=DIGEST_BYTES).digest() for keys in joined]


def rubric_digest(evaluation_type: str, parameters: Mapping[str, Any]) -> str:
    """Return the name of what a judge is asked: its template and the verdicts that it may give.

    Labels count in their order, which a judge reads. Pass labels and thresholds do not count: they
    are applied to verdicts afterwards.

    Args:
        evaluation_type: `classify`, `score`, `compare` or `benchmark`.
        parameters: the evaluation's parameters, as the contract has them.
    """
    judge = _object(parameters.get("judge"))
    asked_for = {name: parameters.get(name) for name in ("labels", "min_score", "max_score")}
    template = judge.get("system_template")
    return value_digest(
        "rubric", {"type": evaluation_type, "template": template} | _present(asked_for)
    )


def judge_digest(judge: Mapping[str, Any], service: str, reported_model: str | None = None) -> str:
    """Return the name of a judge's identity: which model, where, with which settings.

    The rubric is not part of it, and neither is `num_workers` or a token.

    Args:
        judge: the judge's configuration as the contract has it, with defaults filled in.
        service: the service that calls the judge, such as `together`.
        reported_model: the model or fingerprint that the endpoint reported; None if unknown.
    """
    ignored = _SPEED_FIELDS | {_TOKEN_FIELD, "system_template"}
    settings = {name: value for name, value in judge.items() if name not in ignored}
    return value_digest(
        "judge", {"service": service, "reported": reported_model, "settings": _present(settings)}
    )


def request_digest(account: str, evaluation_type: str, parameters: Mapping[str, Any]) -> str:
    """Return the name of what a request measures, for one account.

    How fast it is measured does not count. An external model's token counts through a hash.

    Args:
        account: whose request it is; the same request of another account has another name.
        evaluation_type: `classify`, `score`, `compare` or `benchmark`.
        parameters: the request's parameters, with defaults filled in.
    """
    return value_digest(
        "request",
        {"account": account, "type": evaluation_type, "parameters": _measured(parameters)},
    )


def _measured(value: object) -> object:
    """Return the value without speed fields and nulls, and with hashes in place of tokens."""
    if not isinstance(value, Mapping):
        return value
    fields = cast("Mapping[str, object]", value)
    return {
        name: sha256(str(field).encode(errors="surrogatepass")).hexdigest()
        if name == _TOKEN_FIELD
        else _measured(field)
        for name, field in fields.items()
        if field is not None and name not in _SPEED_FIELDS
    }


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _hash(kind: str, value: object) -> bytes:
    canonical = _encode(_normal(value, 0)).encode()
    return blake2b(_header(kind) + canonical, digest_size=DIGEST_BYTES).digest()


def _header(kind: str) -> bytes:
    return f"evals {kind} {VERSION}\n".encode()


def _written(kind: str, digest: bytes) -> str:
    return f"{kind}{VERSION}-{digest.hex()}"


def _normal(value: object, depth: int) -> object:
    """Return an equal value in which numbers that are integers are written as integers."""
    if type(value) in _FLAT:
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if depth >= MAX_DEPTH and isinstance(value, Mapping | list | tuple):
        # No object of the value itself stands at this depth, so nothing else is written like it.
        return {"": _encode(value)}
    if isinstance(value, Mapping):
        fields = cast("Mapping[object, object]", value)
        return {_key(name): _normal(field, depth + 1) for name, field in fields.items()}
    if isinstance(value, list | tuple):
        return [_normal(item, depth + 1) for item in cast("list[object]", value)]
    if isinstance(value, str | int):  # a subclass, such as an enumeration
        return value
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"an object's key is {type(name).__name__}, not a text")
    return name
