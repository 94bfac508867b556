"""ContentDecoder: gzip and deflate in every cut, bounded, and never passed off as whole when they are not."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio_core.content_coding import PIECE, ContentDecoder
from sansio_core.errors import LimitExceeded, ProtocolViolation, StreamTruncated, UnexpectedContent

TEXT = 'data: {"content": "日本語 hello"}\n\n'.encode() * 7
BIG = 1 << 30


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


def decode(coding: str, body: bytes, size: int = BIG, limit: int = BIG) -> bytes:
    decoder, out = ContentDecoder(coding, limit), []
    for at in range(0, len(body), size):
        out.append(decoder.decode(body[at : at + size]))
        while decoder.pending:
            out.append(decoder.decode(b""))
            assert len(out[-1]) <= PIECE
    decoder.finish()
    return b"".join(out)


CODINGS = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "x-gzip": gzip.compress(TEXT, mtime=0),
    " GZip ": gzip.compress(TEXT, mtime=0),
    "deflate": zlib.compress(TEXT),
    "Deflate": raw_deflate(TEXT),
    "deflate, gzip": gzip.compress(zlib.compress(TEXT), mtime=0),
    "gzip,,identity, deflate": raw_deflate(gzip.compress(TEXT, mtime=0)),
    "identity": TEXT,
    "": TEXT,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_every_coding_at_every_cut(coding: str) -> None:
    body = CODINGS[coding]
    for size in (1, 2, 3, 7, len(body)):
        assert decode(coding, body, size) == TEXT
    for at in range(len(body)):
        decoder = ContentDecoder(coding, BIG)
        out = decoder.decode(body[:at]) + decoder.decode(body[at:])
        while decoder.pending:
            out += decoder.decode(b"")
        assert out == TEXT
        decoder.finish()


@pytest.mark.parametrize("level", [0, 1, 9])
def test_what_was_flushed_is_out_at_once(level: int) -> None:
    deflate = zlib.compressobj(level, wbits=31)
    decoder = ContentDecoder("gzip", BIG)
    for number in range(5):
        event = f"data: {number}\n\n".encode()
        piece = deflate.compress(event) + deflate.flush(zlib.Z_SYNC_FLUSH)
        assert decoder.decode(piece) == event
        assert not decoder.pending
    with pytest.raises(StreamTruncated):
        decoder.finish()
    assert decoder.decode(deflate.flush()) == b""
    decoder.finish()


@pytest.mark.parametrize("size", [1, 2, 5, BIG])
def test_members_follow_one_another(size: int) -> None:
    body = gzip.compress(b"a") + gzip.compress(b"") + gzip.compress(b"b" * 3 * PIECE) + gzip.compress(b"c")
    assert decode("gzip", body, size) == b"a" + b"b" * 3 * PIECE + b"c"


@pytest.mark.parametrize("size", [1, 2, BIG])
@pytest.mark.parametrize("behind", [b"\0", b"\x1f", b"\0\0\0\0", b"garbage", b"\x1f\x8c\x08"])
def test_what_stands_behind_the_end_is_dropped(behind: bytes, size: int) -> None:
    assert decode("gzip", gzip.compress(TEXT) + behind, size) == TEXT
    assert decode("deflate", zlib.compress(TEXT) + behind, size) == TEXT
    for second in (zlib.compress(TEXT), gzip.compress(TEXT)):  # only gzip has members
        assert decode("deflate", zlib.compress(TEXT) + second, size) == TEXT


@pytest.mark.parametrize("coding", ["gzip", "deflate", "Deflate", "deflate, gzip", "gzip,,identity, deflate"])
def test_every_truncation_is_told(coding: str) -> None:
    body = CODINGS[coding]
    for end in range(1, len(body)):
        with pytest.raises(StreamTruncated):
            decode(coding, body[:end])


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_of_no_bytes_is_empty(coding: str) -> None:
    decoder = ContentDecoder(coding, BIG)
    assert decoder.decode(b"") == b""
    decoder.finish()


def test_a_second_member_cut_short_is_told() -> None:
    with pytest.raises(StreamTruncated):
        decode("gzip", gzip.compress(b"a") + gzip.compress(b"b")[:5])


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", TEXT),
        ("gzip", zlib.compress(TEXT)),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-8] + b"\0" * 8),  # a wrong checksum
        ("deflate", b"\xff" * 10),
        ("deflate", zlib.compress(TEXT)[:-4] + b"\0" * 4),
        ("gzip", gzip.compress(b"a", mtime=0) + b"\x1f\x8b" + b"\xff" * 20),
    ],
)
def test_corrupt_data(coding: str, body: bytes) -> None:
    for size in (1, 2, len(body)):
        with pytest.raises(ProtocolViolation, match="corrupt"):
            decode(coding, body, size)


def test_nothing_but_corrupt_data_raises_at_once() -> None:
    with pytest.raises(ProtocolViolation, match="corrupt"):
        ContentDecoder("gzip", BIG).decode(TEXT)


@pytest.mark.parametrize("size", [1, 2, 3, BIG])
def test_a_member_behind_garbage_is_garbage(size: int) -> None:
    assert decode("gzip", gzip.compress(b"a") + b"\0\0\0" + gzip.compress(b"b"), size) == b"a"


# Bare deflate whose first two bytes look nearly like zlib's header: stored blocks (RFC 1951, 3.2.4).
@pytest.mark.parametrize(("first", "length"), [(0x00, 31), (0x08, 30), (0x08, 28)])
def test_bare_deflate_is_told_by_both_signs(first: int, length: int) -> None:
    stored = bytes([first, length, 0, 0xFF - length, 0xFF]) + bytes(length)
    assert decode("deflate", stored + raw_deflate(b"end")) == bytes(length) + b"end"


def test_a_body_of_two_bytes() -> None:
    assert decode("deflate", b"\x03\x00") == b""


def test_four_codings() -> None:
    body = TEXT
    for _ in range(4):
        body = gzip.compress(body)
    assert decode("gzip, gzip, gzip, gzip", body) == TEXT


@pytest.mark.parametrize("coding", ["br", "gzip, zstd", "compress", "x" * 1000, ", ".join(["gzip"] * 5)])
def test_codings_that_are_not_taken_off(coding: str) -> None:
    with pytest.raises(UnexpectedContent, match="coding") as caught:
        ContentDecoder(coding, BIG)
    assert len(str(caught.value)) < 120


def test_the_limit_is_on_what_comes_out() -> None:
    body = gzip.compress(b"x" * 1000)
    assert decode("gzip", body, limit=1000) == b"x" * 1000
    with pytest.raises(LimitExceeded) as caught:
        decode("gzip", body, limit=999)
    assert (caught.value.limit, caught.value.size) == ("decompressed", 999)
    with pytest.raises(LimitExceeded):
        decode("gzip", gzip.compress(b"x" * 600) * 2, limit=1000)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip"])
def test_a_bomb_takes_little_memory(coding: str) -> None:
    body = zlib.compress(bytes(110 * PIECE)) if coding == "deflate" else gzip.compress(bytes(110 * PIECE), 6)
    if coding == "gzip, gzip":
        body = gzip.compress(body)
    decoder = ContentDecoder(coding, 100 * PIECE)
    sizes = [len(decoder.decode(body))]
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded):
            sizes.extend(len(decoder.decode(b"")) for _ in range(1000) if decoder.pending)
        assert tracemalloc.get_traced_memory()[1] < 5 * PIECE
    finally:
        tracemalloc.stop()
    assert 99 * PIECE < sum(sizes) <= 100 * PIECE


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, PIECE + 200, 2 * PIECE])
def test_sizes_around_one_piece(size: int) -> None:
    for coding, compress in (("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)):
        for text in (bytes(size), b"ab" + bytes(size - 2)):  # of which zlib may hold output when it has all the input
            assert decode(coding, compress(text)) == text


def test_more_may_be_given_while_output_waits() -> None:
    body = gzip.compress(bytes(3 * PIECE) + TEXT)
    decoder = ContentDecoder("gzip", BIG)
    out = decoder.decode(body[:-20]) + decoder.decode(body[-20:])
    while decoder.pending:
        out += decoder.decode(b"")
    assert out == bytes(3 * PIECE) + TEXT
    decoder.finish()


@settings(max_examples=150)
@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "gzip, deflate"]), st.integers(1, 20))
def test_any_bytes_end_in_an_error_of_ours_or_in_none(body: bytes, coding: str, size: int) -> None:
    with suppress(ProtocolViolation, StreamTruncated):
        decode(coding, body, size)


def fed(coding: str, body: bytes, sizes: list[int], limit: int = BIG) -> tuple[bytes, str]:
    """What comes out of `body` in reads of these sizes (the last one takes the rest), and the error that ends it."""
    decoder, out, at = ContentDecoder(coding, limit), b"", 0
    try:
        for size in [*sizes, len(body)]:
            out += decoder.decode(body[at : at + size])
            while decoder.pending:
                out += decoder.decode(b"")
            at += size
        decoder.finish()
    except (LimitExceeded, ProtocolViolation, StreamTruncated) as error:
        return out, str(error)
    return out, ""


def corrupted(coding: str, at: int) -> bytes:
    body = bytearray(CODINGS[coding])
    body[at] ^= 0xFF
    return bytes(body)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "Deflate", "deflate, gzip", "gzip,,identity, deflate"])
def test_a_corruption_takes_nothing_of_what_is_before_it(coding: str) -> None:
    """The same text and the same error, wherever the reads were cut: not less where one read brought both."""
    for at in range(2, len(CODINGS[coding])):  # the first two bytes say which coding it is
        body = corrupted(coding, at)
        whole = fed(coding, body, [])
        assert fed(coding, body, [1] * len(body)) == whole
        for cut in range(1, len(body), 3):
            assert fed(coding, body, [cut]) == whole


def test_text_before_a_wrong_checksum_is_given() -> None:
    body = gzip.compress(TEXT, mtime=0)
    for wrong in (body[:-8] + b"\0" * 8, body[:-4] + b"\0" * 4):
        text, error = fed("gzip", wrong, [])
        assert text == TEXT
        assert "corrupt" in error


@pytest.mark.parametrize("sizes", [[], [1] * 2000, [100], [300, 300]])
def test_what_is_within_the_limit_is_given_whole(sizes: list[int]) -> None:
    text = bytes(range(256)) * 40
    out, error = fed("gzip", gzip.compress(text, 0, mtime=0), sizes, limit=5000)
    assert out == text[:5000]
    assert "'decompressed' of 5000 bytes" in error
