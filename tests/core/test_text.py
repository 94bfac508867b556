"""TextParser at every cut."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsers_cuts import cut_anywhere, cuts, feed

from sansio_core.parsers import TextParser

SAMPLES = {
    "characters": ("Grüße, 日本語 😀\r\n\u2028".encode(), "Grüße, 日本語 😀\r\n\u2028"),
    "byte order mark": (b"\xef\xbb\xbfa\xef\xbb\xbf", "a\ufeff"),
    "only a byte order mark": (b"\xef\xbb\xbf", ""),
    "half a byte order mark": (b"\xef\xbb", "\ufffd"),
    "invalid": (b"a\xffb\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80", "a\ufffdb" + "\ufffd" * 9),
    "cut short": (b"a\xf0\x9f\x98", "a\ufffd"),
    "nothing": (b"", ""),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_at_every_cut(name: str) -> None:
    data, text = SAMPLES[name]
    for pieces in cuts(data):
        given_out = feed(TextParser(), pieces)
        assert "".join(given_out) == text
        assert "" not in given_out


def test_a_character_is_out_with_its_last_byte() -> None:
    parser = TextParser()
    assert parser.feed(b"a\xe6\x97") == ["a"]
    assert parser.feed(bytearray(b"\xa5b")) == ["日b"]
    assert parser.feed(memoryview(b"\xe6")) == []
    assert parser.feed(b"c") == ["\ufffdc"]


def test_closed() -> None:
    parser = TextParser()
    assert feed(parser, [b"\xff"]) == ["\ufffd"]
    assert parser.close() == []
    with pytest.raises(RuntimeError, match="TextParser is closed"):
        parser.feed(b"a")


PARTS = st.binary(max_size=3) | st.text(max_size=3).map(str.encode) | st.sampled_from([b"x" * 300, "日".encode() * 100])


@settings(max_examples=300)
@given(cut_anywhere(st.lists(PARTS, max_size=8).map(b"".join)))
def test_every_call_gives_what_the_codec_gives(pieces: list[bytes]) -> None:
    parser, decoder, begun = TextParser(), codecs.getincrementaldecoder("utf-8")("replace"), False
    for piece in (*pieces, None):
        text = decoder.decode(piece or b"", piece is None)
        if not begun and text:
            begun, text = True, text.removeprefix("\ufeff")
        assert (parser.close() if piece is None else parser.feed(piece)) == ([text] if text else [])


def test_every_broken_sequence_is_as_when_the_whole_is_decoded() -> None:
    """All sequences of up to three of the bytes at which UTF-8's rules turn, cut in two everywhere."""
    turns = b"a\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xdf\xe0\xe1\xed\xef\xf0\xf1\xf4\xf5\xff"
    for data in (bytes((a, b, c)) for a in turns for b in turns for c in turns):
        whole = data.decode("utf-8", "replace").removeprefix("\ufeff")
        for at in (0, 1, 2):
            assert "".join(feed(TextParser(), [data[:at], data[at:]])) == whole, data
