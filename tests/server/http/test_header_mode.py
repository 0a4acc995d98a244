from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from evals_mcp.http.modes.authentication import Refusal
from evals_mcp.http.modes.header import CONFIRMED_KEYS, UNCONFIRMED, HeaderMode
from evals_mcp.principals import Principal

HEADERS = {"together": "X-Together-Api-Key", "nugen": "X-Nugen-Api-Key"}
KEY = "tgp_v1_0123456789abcdef"


def mode(*services: str, secret: bytes = b"s" * 32) -> HeaderMode:
    return HeaderMode({name: HEADERS[name] for name in services or HEADERS}, secret)


def key_of(principal: Principal, service: str) -> str:
    assert principal.keys is not None
    return principal.keys[service].get_secret_value()


async def let_in(found: HeaderMode, **headers: str) -> Principal:
    principal = await found.principal_of(
        Headers({n.replace("_", "-"): headers[n] for n in headers})
    )
    assert isinstance(principal, Principal), principal
    return principal


async def test_the_key_of_a_request_is_the_one_for_its_service() -> None:
    principal = await let_in(mode(), x_together_api_key=KEY, x_nugen_api_key="nugen-key-1")

    assert key_of(principal, "together") == KEY
    assert key_of(principal, "nugen") == "nugen-key-1"
    assert principal.may_write


async def test_the_same_key_is_the_same_principal_and_another_is_another() -> None:
    first, again = [await let_in(mode(), x_together_api_key=KEY) for _ in range(2)]
    other = await let_in(mode(), x_together_api_key=KEY + "0")
    elsewhere = await let_in(mode(secret=b"t" * 32), x_together_api_key=KEY)

    assert first.id == again.id
    assert len({first.id, other.id, elsewhere.id}) == 3


async def test_a_key_for_one_service_is_no_key_for_the_other() -> None:
    together = await let_in(mode(), x_together_api_key=KEY)
    nugen = await let_in(mode(), x_nugen_api_key=KEY)

    assert together.id != nugen.id


async def test_nothing_of_the_key_is_in_the_principals_id_or_representation() -> None:
    principal = await let_in(mode(), x_together_api_key=KEY)

    assert KEY not in repr(principal)
    assert KEY[8:] not in principal.id


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-nugen-api-key": KEY},
        {"authorization": f"Bearer {KEY}"},
    ],
    ids=["none", "of a service not configured", "a bearer token"],
)
async def test_without_a_key_for_a_configured_service_nobody_is_let_in(
    headers: dict[str, str],
) -> None:
    refusal = await mode("together").principal_of(Headers(headers))

    assert isinstance(refusal, Refusal)
    assert refusal.status == 403
    assert "X-Together-Api-Key" in refusal.description
    assert KEY not in refusal.description


async def test_two_keys_for_one_service_are_refused() -> None:
    raw = [(b"x-together-api-key", KEY.encode()), (b"x-together-api-key", b"another-key")]

    refusal = await mode().principal_of(Headers(raw=raw))

    assert isinstance(refusal, Refusal)
    assert refusal.status == 403


@given(st.text(st.characters(max_codepoint=255), max_size=600))
async def test_any_header_value_is_a_key_or_refused_without_being_repeated(value: str) -> None:
    raw = [(b"x-together-api-key", value.encode("latin-1"))]

    found = await mode().principal_of(Headers(raw=raw))

    if isinstance(found, Refusal):
        assert found.status == 403
        assert len(value) < 8 or value not in found.description
    else:
        assert key_of(found, "together") == value


async def test_principals_share_a_limit_until_a_service_has_accepted_one_of_their_keys() -> None:
    header = mode()
    one, two = [await let_in(header, x_together_api_key=f"{KEY}{name}") for name in "ab"]
    assert one.limited_as == two.limited_as == UNCONFIRMED

    one.key_accepted("nugen")
    assert (await let_in(header, x_together_api_key=f"{KEY}a")).limited_as == UNCONFIRMED
    one.key_accepted("together")

    confirmed = await let_in(header, x_together_api_key=f"{KEY}a")
    assert confirmed.limited_as not in {UNCONFIRMED, None}
    assert (await let_in(header, x_together_api_key=f"{KEY}b")).limited_as == UNCONFIRMED


async def test_made_up_keys_beside_a_confirmed_one_bring_no_further_limits() -> None:
    header = mode()
    (await let_in(header, x_together_api_key=KEY)).key_accepted("together")

    names = {
        (await let_in(header, x_together_api_key=KEY, x_nugen_api_key=f"made-up-{n}")).limited_as
        for n in range(5)
    }

    assert len(names) == 1
    assert UNCONFIRMED not in names


async def test_the_confirmed_keys_that_are_remembered_have_an_end() -> None:
    header = mode()
    for number in range(CONFIRMED_KEYS + 1):
        (await let_in(header, x_together_api_key=f"{KEY}{number}")).key_accepted("together")

    assert (await let_in(header, x_together_api_key=f"{KEY}0")).limited_as == UNCONFIRMED
    assert (await let_in(header, x_together_api_key=f"{KEY}1")).limited_as != UNCONFIRMED
