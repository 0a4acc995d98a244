from __future__ import annotations

from collections.abc import AsyncGenerator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from evals_mcp.providers.rest.echoed_keys import REMOVED, SHORTEST, KeyRedactor

KEY = "abab" * (SHORTEST // 4) + "c"


async def in_blocks(*blocks: bytes) -> AsyncGenerator[bytes]:
    for block in blocks:
        yield block


async def read(echoes: KeyRedactor, *blocks: bytes) -> bytes:
    return b"".join([block async for block in echoes.removed_from(in_blocks(*blocks))])


@given(
    st.lists(st.sampled_from([KEY, KEY[:-1], KEY[:4], "ab", "c", "x"]), max_size=12),
    st.lists(st.integers(0, 120), max_size=8),
)
async def test_a_key_is_removed_wherever_a_stream_is_parted(
    parts: list[str], cuts: list[int]
) -> None:
    text, echoes = "".join(parts).encode(), KeyRedactor(SecretStr(KEY))
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    blocks = [text[start:end] for start, end in pairwise(places)]

    assert (
        await read(echoes, *blocks) == echoes.removed(text) == text.replace(KEY.encode(), REMOVED)
    )


async def test_what_cannot_be_the_key_is_not_held_back() -> None:
    blocks = KeyRedactor(SecretStr(KEY)).removed_from(in_blocks(b"a row\n", b"abab"))

    assert await anext(blocks) == b"a row\n"
    await blocks.aclose()


async def test_a_stand_in_for_a_key_may_be_a_word_of_an_answer() -> None:
    for token in (None, SecretStr(""), SecretStr("ollama")):
        assert KeyRedactor(token).removed(b"ollama") == b"ollama"
        assert await read(KeyRedactor(token), b"olla", b"ma") == b"ollama"
