"""A tape as text: every byte comes back, a broken line is named, and a person can read it."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio_core.tape import BrokenTape, End, Head, Mark, Piece, Step, Take, Tape
from sansio_core.tape.model import What

FIRST = "# sansio-chat tape 1\n"
REQUEST = "\n> POST https://h/v1/chat\n"
HEADED = f"{FIRST}{REQUEST}= 0.1\n< 200\n< x-a: b\n"
"""Six lines, behind which a piece may begin."""

WRITTEN = r"""# sansio-chat tape 1

> POST https://api.openai.com/v1/chat/completions
> base: https://api.openai.com/v1
> provider: openai
> authorization: [hidden]
> "x-note: a "
> x-empty:
>
> | {"model":"…",
> : "messages":[]}
= 0
+ waiting
= 1.5
+ place
= 0.031
+ connected
= 0.412
< 200
< content-type: text/event-stream
= 0.009
| data: {"choices":[{"index":0,"delta":{"content":"Žižek"}}]}
|
= 0.0001
\ event: ping
\
: data: {"
= 0
+ late
= 1e-05
"data: \n"
"\ttwo\t\r\n"
": \" "
= 20
~ xQ==
! ConnectionLost +0.021 {"detail": "the peer is gone …", "reused": false}

> GET http://127.0.0.1:8080/page
> base:
> provider:
! end +0
"""
TAPE = Tape(
    (
        Take(
            "POST",
            "https://api.openai.com/v1/chat/completions",
            "https://api.openai.com/v1",
            "openai",
            (("authorization", "[hidden]"), ("x-note", "a "), ("x-empty", "")),
            '{"model":"…",\n"messages":[]}'.encode(),
            (
                Mark(0.0, "waiting"),
                Mark(1.5, "place"),
                Mark(0.031, "connected"),
                Head(0.412, 200, (("content-type", "text/event-stream"),)),
                Piece(0.009, 'data: {"choices":[{"index":0,"delta":{"content":"Žižek"}}]}\n\n'.encode()),
                Piece(0.0001, b'event: ping\r\n\r\ndata: {"'),
                Mark(0.0, "late"),
                Piece(0.00001, b'data: \n\ttwo\t\r\n: " '),
                Piece(20.0, "ž".encode()[:1]),
                End(0.021, "ConnectionLost", {"detail": "the peer is gone …", "reused": False}),
            ),
        ),
        Take("GET", "http://127.0.0.1:8080/page"),
    )
)


def test_what_a_tape_looks_like() -> None:
    assert TAPE.dumps().decode() == WRITTEN
    assert Tape.loads(WRITTEN) == TAPE


def test_what_a_person_may_leave_out_or_add() -> None:
    by_hand = (
        "# sansio-chat tape 1\n# my first tape\n\n\n> POST https://h/v1/chat\n>\n= 0.25\n# a comment\n< 200\n"
        "< x-a:b\n= 1e3\n| \n: \\x\n! end +1.50\n\n\n"
    )
    steps = (Head(0.25, 200, (("x-a", "b"),)), Piece(1000.0, b"\n\\x"), End(1.5))
    assert Tape.loads(by_hand) == Tape((Take("POST", "https://h/v1/chat", steps=steps),))
    own = Tape((Take("GET", "http://h/", headers=(("base", "a"), ("provider", "b"))),))
    assert Tape.loads(own.dumps()) == own
    assert Tape.loads(FIRST) == Tape.loads(b"\xef\xbb\xbf" + FIRST.encode()) == Tape()


# --- the identity ----------------------------------------------------------------------------------------------------

seconds = st.floats(0, 1e6) | st.integers(0, 9999).map(lambda ms: ms / 1000)
words = st.text(st.characters(exclude_categories=["Cs"]))
tokens = st.text("abcXYZ019-_!#$%&'*+.^`|~", min_size=1, max_size=8)
urls = words.map(lambda text: "".join(text.split())).filter(bool) | st.just("https://h/v1/chat?a=b")
names = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=":"), min_size=1, max_size=8)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=12)
fields = st.tuples(names | st.sampled_from(["base", "provider"]), values)
headers = st.lists(fields, max_size=3).map(tuple)
SNIPPETS = [
    b"data: {}", b"\n", b"\n\n", b"\r\n", b"\r", b" ", b"\t", b"> ", b"| ", b"= 1\n", b"! end +1\n", b'"', b"\\", b"~ ",
    b"# ", b"# sansio-chat tape 1\n", b"\n> POST http://h/\n", b"\x00", b"\x7f", b"\xc2\x85", b"\xe2\x80\xa8", b"\xff",
    b"\xc3", b"\xa4", "ä…😀".encode(), b"\xed\xa0\x80", b"\xef\xbb\xbf",
]  # fmt: skip
data = st.binary() | st.lists(st.sampled_from(SNIPPETS), max_size=8).map(b"".join) | words.map(str.encode)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_infinity=False, allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
ends = (
    st.builds(End, seconds, st.sampled_from(["end", "closed"]))
    | st.builds(
        End, seconds, st.just("TimeoutError"), st.fixed_dictionaries({"clock": words, "seconds": st.none() | seconds})
    )
    | st.builds(End, seconds, st.just("ConnectionLost"), st.fixed_dictionaries({"detail": words, "more": plain}))
)
marks = st.lists(st.builds(Mark, seconds, st.sampled_from(get_args(What))), max_size=3)
pieces = st.lists(st.builds(Piece, seconds, data.filter(bool)) | st.builds(Mark, seconds, st.just("late")), max_size=5)
heads = st.builds(Head, seconds, st.integers(100, 999), headers)


@st.composite
def takes(draw: st.DrawFn) -> Take:
    steps: list[Step] = [*draw(marks)]
    if draw(st.booleans()):
        steps += [draw(heads), *draw(pieces)]
    return Take(draw(tokens), draw(urls), draw(values), draw(tokens), draw(headers), draw(data), (*steps, draw(ends)))


tapes = st.lists(takes(), max_size=3).map(Tape.of)


@given(tapes)
def test_every_tape_comes_back(tape: Tape) -> None:
    text = tape.dumps()
    assert Tape.loads(text) == tape
    assert Tape.loads(text.decode()) == tape
    assert Tape.loads(text.replace(b"\n", b"\r\n")) == tape  # as git writes it with autocrlf
    lines = text.decode().split("\n")
    assert lines == [line.rstrip() for line in lines]  # as an editor or a commit hook leaves them
    assert not re.search(r"[\0-\x08\x0b-\x1f\x7f-\x9f]", text.decode())


@given(st.binary(min_size=1), st.data())
def test_a_stream_comes_back_at_every_cut(stream: bytes, drawn: st.DataObject) -> None:
    cuts = sorted(drawn.draw(st.sets(st.integers(1, len(stream)))) | {len(stream)})
    parts = [stream[start:end] for start, end in zip([0, *cuts], cuts, strict=False)]
    tape = Tape((Take("GET", "http://h/", steps=(Head(0, 200), *[Piece(0.1, part) for part in parts], End(0))),))
    (take,) = Tape.loads(tape.dumps()).takes
    assert [step.data for step in take.steps if isinstance(step, Piece)] == parts
    assert take.answer == stream


@given(seconds)
def test_seconds_are_the_shortest_decimal(number: float) -> None:
    (line,) = Tape((Take("GET", "http://h/", steps=(End(number),)),)).dumps().decode().splitlines()[-1:]
    written = line.removeprefix("! end +")
    assert float(written) == number
    assert written in (repr(number), repr(number)[:-2])


def test_negative_zero_is_zero() -> None:
    assert b"! end +0\n" in Tape((Take("GET", "http://h/", steps=(End(-0.0),)),)).dumps()


# --- what is broken --------------------------------------------------------------------------------------------------

TIME = "expected `= SECONDS` and what came then, or how the take ended: `! end +SECONDS`"
PIECE = "expected a line of a piece, which is not empty: `| …`, `\\ …`, `: …`, `~ BASE64` or a JSON string"
MIDST = "expected `= SECONDS`, as the piece ended in the midst of a line"
FIELD = "expected `> name: value`"
NUMBER = "expected `= SECONDS`, a decimal number up to a million"
STATUS = "expected `< STATUS`, of three digits, or `+ connected` before it"
MARK = "expected `+ connected`, `+ reused`, `+ waiting`, `+ place` or `+ late`"
CUT = "the tape ends here, in the midst of the take that begins at line 3; "
BROKEN = [
    ("", 1, "no tape: the first line of one is '# sansio-chat tape 1'"),
    ("\n", 1, "no tape: the first line of one is '# sansio-chat tape 1'"),
    ("hello.tape", 1, "no tape: the first line of one is '# sansio-chat tape 1'"),
    ("# sansio-chat tape 1 \n", 1, "no tape: the first line of one is '# sansio-chat tape 1'"),
    ("# sansio-chat tape 2\nanything", 1,
     "a tape of version 2; this release reads version 1: update sansio-chat"),
    (FIRST[:-1], 1, "the last line has no line end: the tape may have been cut here"),
    (f"{HEADED}! end +0.02", 7, "the last line has no line end: the tape may have been cut here"),
    (f"{HEADED}= 1\n| \x1b[0m\n", 8, "the character U+001B cannot stand in a tape as it is: a piece that has it is "
     "written in base64, another line as a JSON string"),
    (f"{HEADED}= 1\n| \ud83d\n", 8, "the character U+D83D cannot stand in a tape as it is: a piece that has it is "
     "written in base64, another line as a JSON string"),
    (f"{FIRST}> GET http://h/\n", 2, "expected an empty line, which begins a take"),
    (f"{FIRST}\n= 0.1\n", 3, "expected `> METHOD URL`"),
    (f"{FIRST}\n> GET\n", 3, "expected `> METHOD URL`"),
    (f"{FIRST}\n>GET http://h/\n", 3, "expected a blank behind `>`"),
    (f"{FIRST}\n> GET http://h/ HTTP/1.1\n", 3, "expected `> METHOD URL`"),
    (f"{FIRST}{REQUEST}> key\n", 4, FIELD),
    (f"{FIRST}{REQUEST}> a b: c\n", 4, FIELD),
    (f'{FIRST}{REQUEST}> "a: b\n', 4, "expected a JSON string"),
    (f'{FIRST}{REQUEST}> "a: b\\r\\nc: d"\n', 4, FIELD),
    (f"{FIRST}{REQUEST}>\n> hello\n", 5, PIECE),
    (f"{FIRST}{REQUEST}>\n> : hello\n> a: b\n", 6, TIME),
    (f"{FIRST}{REQUEST}>\n> : hello\n> : hello\n", 6, MIDST),
    (f"{FIRST}{REQUEST}", 3, CUT + TIME),
    (f"{FIRST}{REQUEST}\n", 4, TIME),
    (f"{FIRST}{REQUEST}< 200\n", 4, TIME),
    (f"{FIRST}{REQUEST}| data\n", 4, TIME),
    (f"{FIRST}{REQUEST}= 0.1\n", 4, CUT + STATUS),
    (f"{FIRST}{REQUEST}= 0.1\n| data\n", 5, STATUS),
    (f"{FIRST}{REQUEST}= 0.1\n! end +1\n", 5, STATUS),
    (f"{FIRST}{REQUEST}= 0.1\n+ connect\n", 5, MARK),
    (f"{FIRST}{REQUEST}= 0.1\n< 20\n", 5, STATUS),
    (f"{FIRST}{REQUEST}= 0.1\n< 200 OK\n", 5, STATUS),
    (f"{FIRST}{REQUEST}= 0.1\n< \u0662\u0660\u0660\n", 5, STATUS),
    *[(f"{FIRST}{REQUEST}= {number}\n", 4, NUMBER)
      for number in ("", "x", "-1", "+1", "1_0", "nan", "inf", "1000001", ".5", "5.", "\u0661", "0x1", "1,5", "1 s")],
    (f"{HEADED}< nothing\n", 7, "expected `< name: value`"),
    (f"{HEADED}= 0.1\n+ connected\n", 8, "expected `+ late`"),
    (f"{HEADED}= 0.1\n< 200\n", 8, PIECE),
    (f"{HEADED}= 0.1\n= 0.1\n", 8, PIECE),
    (f"{HEADED}= 0.1\n:\n! end +1\n", 9, PIECE),
    (f"{HEADED}= 0.1\n|data\n", 8, "expected a blank behind `|`"),
    (f"{HEADED}= 0.1\n: da\n| ta\n", 9, MIDST),
    (f"{HEADED}= 0.1\n~ eA\n", 8, "expected a blank and base64 behind `~`"),
    (f"{HEADED}= 0.1\n~ eA=*=\n", 8, "expected a blank and base64 behind `~`"),
    (f"{HEADED}= 0.1\n~ ä\n", 8, "expected a blank and base64 behind `~`"),
    (f'{HEADED}= 0.1\n"x\n', 8, "expected a JSON string of characters that UTF-8 can write"),
    (f'{HEADED}= 0.1\n"x" y\n', 8, "expected a JSON string of characters that UTF-8 can write"),
    (f'{HEADED}= 0.1\n"\\ud83d"\n', 8, "expected a JSON string of characters that UTF-8 can write"),
    (f"{HEADED}= 0.1\n| data\ndata\n", 9, TIME),
    (f"{HEADED}= 0.1\n| data\n\n", 9, TIME),
    (f"{HEADED}! end\n", 7, TIME),
    (f"{HEADED}! end 0.1\n", 7, TIME),
    (f"{HEADED}! end +x\n", 7, "expected seconds behind `+`, a decimal number up to a million"),
    (f"{HEADED}! end +1\n> GET http://h/\n", 8, "expected an empty line, which begins a take"),
    (f"{HEADED}! end +1\n! end +1\n", 8, "expected an empty line, which begins a take"),
    (f'{HEADED}! end +1 {{"a": 1}}\n', 7, "'end' has no attributes"),
    (f"{HEADED}! ConnectionLost +1 detail\n", 7, "expected the error's attributes as a JSON object"),
    (f"{HEADED}! ConnectionLost +1 [1]\n", 7, "expected the error's attributes as a JSON object"),
    (f'{HEADED}! ConnectionLost +1 {{"x": {"[" * 20000}\n', 7, "expected the error's attributes as a JSON object"),
    (f'{HEADED}! ConnectionLost +1 {{"x": {"9" * 5000}}}\n', 7, "expected the error's attributes as a JSON object"),
    (f'{HEADED}! ConnectionLost +1 {{"x": NaN}}\n', 7, "the attributes of ConnectionLost must be plain JSON values"),
    (f'{HEADED}! ConnectionLost +1 {{"x": 1e999}}\n', 7, "the attributes of ConnectionLost must be plain JSON values"),
    (f"{HEADED}! ConectionLost +1\n", 7,
     "no error is called ConectionLost (did you mean 'ConnectionLost'?); of a class of your own, the attribute 'bases' "
     "must name the bases"),
    (f"{HEADED}! TimeoutError +1\n", 7, "the attributes do not make a TimedOut, which needs 'clock'"),
    (f"{HEADED}! RateLimited +1\n", 7, "the attributes do not make a RateLimited, which needs 'status'"),
    (f'{HEADED}! ConnectionLost +1 {{"detail": 5}}\n', 7, "the attribute 'detail' must be str, not int"),
    (f'{HEADED}! TimeoutError +1 {{"clock": "idle", "seconds": "5"}}\n', 7,
     "the attribute 'seconds' must be int or float or null, not str"),
    (f'{HEADED}! ConnectionLost +1 {{"redact": 5}}\n', 7, "no error has an attribute 'redact'"),
    (f'{HEADED}! ServerFailed +1 {{"status": 500, "in_band": "x"}}\n', 7, "no error has an attribute 'in_band'"),
    (f'{HEADED}! ConnectionLost +1 {{"_text": 5}}\n', 7, "no error has an attribute '_text'"),
    (f'{HEADED}! ConnectionLost +1 {{"what": 5}}\n', 7,
     "the attributes do not make a ConnectionLost"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "words"), BROKEN)
def test_a_broken_line_is_named(text: str, line: int, words: str) -> None:
    with pytest.raises(BrokenTape) as caught:
        Tape.loads(text)
    assert (caught.value.line, caught.value.detail) == (line, words)
    assert str(caught.value) == f"line {line}: {words}"


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(BrokenTape) as caught:
        Tape.loads(b"\xef\xbb\xbf" + f"{HEADED}= 1\n| caf".encode() + b"\xe9\n! end +1\n")
    assert str(caught.value) == "line 8: this is not UTF-8, as a tape is"
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_an_error_quotes_nothing_of_a_file_that_is_no_tape() -> None:
    for text in ("KEY=sk-secret\n", f"{FIRST}KEY=sk-secret\n", f"{HEADED}sk-secret\n", f"{HEADED}! sk +secret\n"):
        with pytest.raises(BrokenTape) as caught:
            Tape.loads(text)
        assert "secret" not in repr(caught.value)


def test_a_tape_that_was_cut_is_whole_only_between_takes() -> None:
    text = TAPE.dumps()
    between = text.index(b"\n\n> GET") + 1
    whole = {len(FIRST): 0, len(FIRST) + 1: 0, between: 1, between + 1: 1, len(text): 2}
    for cut in range(len(text) + 1):
        if cut in whole:
            assert Tape.loads(text[:cut]) == Tape(TAPE.takes[: whole[cut]])
        else:
            with pytest.raises(BrokenTape) as caught:
                Tape.loads(text[:cut])
            assert caught.value.line in (text.count(b"\n", 0, cut), text.count(b"\n", 0, cut) + 1)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A tape of which some lines were dropped, doubled, moved or changed."""
    lines = draw(st.sampled_from([TAPE, *EXAMPLES])).dumps().split(b"\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                del lines[at : at + 1]
            case 1:
                lines.insert(at, draw(st.sampled_from(lines)))
            case 2:
                lines[at] = lines[at].replace(*draw(st.tuples(st.sampled_from(TOUCHED), st.sampled_from(TOUCHED))))
            case 3:
                cut = draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + draw(st.binary(max_size=3)) + lines[at][cut + draw(st.integers(0, 2)) :]
            case _:
                lines[at] = draw(st.sampled_from(SNIPPETS))
    return b"\n".join(lines)


EXAMPLES = [
    Tape((Take("GET", "http://h/", steps=(End(2.0, "TimeoutError", {"clock": "idle", "seconds": 2}),)),)),
    Tape((Take("GET", "http://h/", steps=(Head(0.1, 500), End(2.0, "ProxyFailed", {"detail": "no", "status": 407}))),)),
]
TOUCHED = [
    b" ", b": ", b'"', b"{", b"}", b"1", b"0", b"e", b"+", b"-", b".", b"null", b"true", b"[]", b"detail", b"status",
    b"=", b"<", b"!", b"x", b">", b"|", b"reply", b"args", b"bases", b"__class__", b"hint", b"clock", b"seconds",
    b"\\u0000",
]  # fmt: skip


@given(mutated())
def test_a_changed_tape_is_another_or_a_broken_one(data: bytes) -> None:
    try:
        tape = Tape.loads(data)
    except BrokenTape as error:
        line = error.line
        assert 1 <= line <= data.count(b"\n") + 1
        return
    assert Tape.loads(tape.dumps()) == tape
    for take in tape.takes:
        str(take.end.error)


def test_long_lines_and_many_take_time_in_proportion() -> None:
    stream = [b"x" * 2_000_000, b" " * 2_000_000, b"\xff" * 2_000_000, *[b"\n"] * 20_000]
    steps = (Head(0, 200), *[Piece(0, piece) for piece in stream], End(0))
    take = Take("POST", "http://h/", body=b"y \n" * 20_000, steps=steps)
    assert Tape.loads(Tape((take,)).dumps()).takes == (take,)  # were it quadratic, this would take minutes


# --- what cannot be written ------------------------------------------------------------------------------------------

FIELD_NO = "a tape cannot have this header field, for its name or a line end in it"
SECONDS_NO = r"seconds must be a number from 0 to 1e\+06"


@pytest.mark.parametrize(
    ("take", "said"),
    [
        (Take("", "http://h/"), "a take needs a method, and a URL without white space"),
        (Take("GET", ""), "a take needs a method, and a URL without white space"),
        (Take("GET", "http://h/a b"), "a take needs a method, and a URL without white space"),
        (Take("GET /", "http://h/"), "a take needs a method, and a URL without white space"),
        (Take("GET", "http://h/", base="a\nb"), FIELD_NO),
        (Take("GET", "http://h/", provider="a\nb"), FIELD_NO),
        *[(Take("GET", "http://h/", headers=(pair,)), FIELD_NO)
          for pair in (("a", "b\nc"), ("a", "b\r\n c"), ("a", "b\0"), ("", "b"), ("a b", "c"), ("a:b", "c"))],
        (Take("GET", "http://h/", headers=(("ä", "b"),)), FIELD_NO),
        (Take("GET", "http://h/", steps=(Head(0, 200, (("a", "b\nc"),)), End(0))), FIELD_NO),
        (Take("GET", "http://h/", steps=(Head(0, 20), End(0))), "a tape cannot have Head"),
        (Take("GET", "http://h/", steps=(Head(0, 1000), End(0))), "a tape cannot have Head"),
        (Take("GET", "http://h/", steps=(Mark(0, "here"), End(0))), "a tape cannot have Mark"),  # type: ignore[arg-type]
        *[(Take("GET", "http://h/", steps=(End(after),)), SECONDS_NO)
          for after in (-1.0, 1e6 + 1, float("nan"), float("inf"), -float("inf"))],
    ],
)  # fmt: skip
def test_what_the_format_has_no_words_for_is_refused(take: Take, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Tape((take,)).dumps()
