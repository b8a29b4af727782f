"""Bodies are decoded as by httpx2, in bounded memory, however they are split into chunks."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstash_cli.protocol.response_body import BoundedBody, UndecodableBody
from tests.figures import Figures

LIMIT = 100_000
MEBIBYTE = 1_048_576


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes, "identity": bytes, "gzip": gzip.compress, "X-GZIP": gzip.compress,
    "deflate": zlib.compress, "DEFLATE": raw_deflate, "br": bytes, "identity, gzip": gzip.compress,
}  # fmt: skip


def read(content_encoding: str, chunks: list[bytes], limit: int = LIMIT) -> bytes:
    body = BoundedBody(content_encoding, limit)
    for chunk in chunks:
        if not body.feed(chunk):
            break
    return body.value


@given(
    st.binary(max_size=2000), st.sampled_from(sorted(ENCODERS)), st.lists(st.integers(1, 50)),
    st.integers(1, 3000),
)  # fmt: skip
def test_a_body_is_decoded_however_it_is_split(
    data: bytes, encoding: str, sizes: list[int], limit: int
) -> None:
    encoded = ENCODERS[encoding](data)
    chunks = []
    for size in sizes:
        chunks.append(encoded[:size])
        encoded = encoded[size:]

    assert read(encoding, [*chunks, encoded], limit) == data[:limit]


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]), st.integers(0, 300))
def test_an_invalid_body_is_invalid_for_httpx2_too(data: bytes, encoding: str, at: int) -> None:
    encoded = bytearray(ENCODERS[encoding](data))
    encoded[at % len(encoded)] ^= 0xFF

    try:
        expected = httpx2.Response(
            200, headers={"Content-Encoding": encoding}, content=bytes(encoded)
        ).content
    except httpx2.DecodingError:
        with pytest.raises(UndecodableBody):
            read(encoding, [bytes(encoded)])
    else:
        assert read(encoding, [bytes(encoded)]) == expected


def test_a_stream_that_decodes_to_nothing_is_not_read_indefinitely() -> None:
    body = BoundedBody("gzip", LIMIT)
    body.feed(b"\x1f\x8b\x08" + bytes(7))

    wanted = [body.feed(b"\0\0\0\xff\xff" * 10_000) for _ in range(10)]

    assert not wanted[-1]
    assert body.value == b""


def gzip_of_empty_members() -> bytes:
    return gzip.compress(b"") * 100_000


ZEROS = bytes(64 * MEBIBYTE)
BOMBS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(ZEROS),
    "deflate": lambda: zlib.compress(ZEROS),
    "DEFLATE": lambda: raw_deflate(ZEROS),
    "x-gzip": gzip_of_empty_members,
    "": lambda: ZEROS,
    "br": lambda: ZEROS,
}


@pytest.mark.parametrize("encoding", BOMBS)
@pytest.mark.parametrize("chunk_bytes", [1000, 65_536, 100 * MEBIBYTE])
def test_a_decompression_bomb_stays_within_the_memory_limit(
    encoding: str, chunk_bytes: int, figures: Figures
) -> None:
    bomb = BOMBS[encoding]()
    chunks = (bomb[at : at + chunk_bytes] for at in range(0, len(bomb), chunk_bytes))
    body = BoundedBody(encoding, LIMIT)
    first = next(chunks)
    tracemalloc.start()
    while body.feed(first):
        first = next(chunks, b"")
        if not first:
            break
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    figures("response bodies", cases=1, failures=int(len(body.value) > LIMIT))
    assert len(body.value) <= LIMIT
    assert peak < 10 * LIMIT + chunk_bytes


@pytest.mark.parametrize(
    "encoding", ["gzip, gzip", "gzip,deflate", "br, gzip", "GZIP , identity, x-gzip", ",gzip" * 9]
)
def test_stacked_encodings_are_refused_as_soon_as_there_is_a_body(encoding: str) -> None:
    body = BoundedBody(encoding, LIMIT)

    assert body.feed(b"")
    with pytest.raises(UndecodableBody, match="stacked content encodings"):
        body.feed(b"x")
