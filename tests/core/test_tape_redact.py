"""A take keeps no secret, in whatever form it is written and over however many pieces; all the rest stays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from exchange_driver import chunk, sse
from hypothesis import example, given
from hypothesis import strategies as st

from sansio_core import InvalidRequest
from sansio_core.http_request import Headers
from sansio_core.tape.errors import UnsafeTape
from sansio_core.tape.keys import keylike
from sansio_core.tape.model import End, Head, Mark, Piece, Take
from sansio_core.tape.redact import checked_redact, redacted

KEY = "sk-live-0123456789abcdefghij"
NAME = "Ana Novak"
DONE = End(0.0)


def take(*pieces: bytes, request: bytes = b"", headers: Headers = (), end: End = DONE, **more: Any) -> Take:
    steps = (Head(0.0, 200, headers), *(Piece(0.0, piece) for piece in pieces), end)
    return Take("POST", more.pop("url", "https://host/v1"), "https://host/v1", body=request, steps=steps, **more)


def answer(of: Take) -> bytes:
    return b"".join(step.data for step in of.steps if isinstance(step, Piece))


def blotted(body: bytes, *secrets: Any, end: End = DONE, key: str | None = None) -> bytes:
    """`body` after redaction; it has the same length, and only `*` in place of what went, or `1` of a number."""
    after = answer(redacted(take(body, end=end), [key] if key else [], checked_redact(secrets)))
    assert len(after) == len(body)
    assert all(new == old or new in b"*1" for new, old in zip(after, body, strict=True))
    return after


def text(body: bytes, field: Callable[[Any], str] = lambda frame: str(frame["t"])) -> str:
    """What the field says over the frames of an event stream, each run of `*` as one: lengths are those of bytes."""
    lines = [line.removeprefix(b"data: ") for line in body.splitlines() if line]
    return re.sub(r"\*+", "*", "".join(field(json.loads(line)) for line in lines if line != b"[DONE]"))


def deltas(*texts: str) -> bytes:
    return sse(*({"t": each} for each in texts))


# --- header fields ---------------------------------------------------------------------------------------------------


def test_a_request_keeps_the_fields_that_are_known_to_be_harmless() -> None:
    fields = (
        ("Content-Type", "application/json"), ("user-agent", "me/1"), ("authorization", f"Bearer {KEY}"),
        ("x-team", "chat"), ("cookie", "a=b"), ("anthropic-version", "2023-06-01"), ("x-request-id", f"of-{NAME}"),
    )  # fmt: skip
    done = redacted(Take("POST", "https://host/", headers=fields), [KEY], [NAME])
    assert dict(done.headers) == {
        "Content-Type": "application/json", "user-agent": "me/1", "authorization": "[hidden]", "x-team": "[hidden]",
        "cookie": "[hidden]", "anthropic-version": "2023-06-01", "x-request-id": "of-*********",
    }  # fmt: skip


def test_a_response_keeps_what_a_replay_needs() -> None:
    kept = [
        ("content-type", "text/event-stream"), ("content-length", "12"), ("content-encoding", "gzip"),
        ("transfer-encoding", "chunked"), ("retry-after", "3"), ("retry-after-ms", "3000"), ("x-request-id", "r-1"),
        ("request-id", "r-2"), ("cf-ray", "9-FRA"), ("x-should-retry", "true"), ("server", "nginx"),
        ("date", "Sun, 22 Nov 2026 10:00:00 GMT"), ("openai-processing-ms", "12"), ("X-RateLimit-Reset-Tokens", "6m0s"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-22T10:00:00Z"), ("ratelimit-remaining", "7"),
    ]  # fmt: skip
    hidden = [
        "openai-organization", "anthropic-organization-id", "set-cookie", "cf-cache-status", "x-anything", "link",
        "ratelimit", "x-ratelimit-key",
    ]  # fmt: skip
    done = redacted(take(headers=(*kept, *((name, "acme-4711") for name in hidden))), [], [])
    head = done.steps[0]
    assert isinstance(head, Head)
    assert head.headers == (*kept, *((name, "[hidden]") for name in hidden))


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (f"https://me:pass@host/a?key={KEY}&b=1#f", "https://host/a?key=[hidden]&b=1"),
        ("/b?sig=abc", "/b?sig=[hidden]"),
        ("/users/Ana%20Novak", "/users/***********"),
        ("https://[broken", "//[hidden"),
    ],
)
def test_a_location_keeps_its_way_and_no_key(location: str, shown: str) -> None:
    head = redacted(take(headers=(("Location", location),)), [], [NAME]).steps[0]
    assert isinstance(head, Head)
    assert head.headers == (("Location", shown),)


def test_the_url_the_base_and_the_error() -> None:
    end = End(0.0, "ConnectionLost", {"detail": f"{NAME} hung up", "reused": True, "more": [{"x": f"by {NAME}"}]})
    done = redacted(take(url=f"https://host/v1/ana/chat?key={KEY}&user=Ana+Novak", end=end), [KEY], [NAME, "/ana/"])
    assert done.url == "https://host/v1*****chat?key=[hidden]&user=*********"
    assert done.base == "https://host/v1"
    assert done.end.attributes == {"detail": "********* hung up", "reused": True, "more": [{"x": "by *********"}]}


def test_what_a_response_sets_as_a_cookie_is_found_in_the_page() -> None:
    cookie = ("set-cookie", "session=0123456789abcdef0123; Path=/; HttpOnly; SameSite=Lax")
    done = redacted(take(b"<script>s='0123456789abcdef0123'</script> Path=/", headers=(cookie,)), [], [])
    assert answer(done) == b"<script>s='********************'</script> Path=/"


# --- bodies, in every form -------------------------------------------------------------------------------------------


def forms(secret: str) -> list[bytes]:
    """How `secret` may stand on a wire."""
    escaped = json.dumps(secret)[1:-1]
    upper = re.sub(r"\\u....", lambda found: "\\u" + found[0][2:].upper(), escaped)
    texts = [
        secret, escaped, upper, escaped.replace("/", "\\/"), json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(escaped)[1:-1], quote(secret), quote(secret, safe=""),
        quote_plus(secret), "".join(f"%{byte:02x}" for byte in secret.encode()),
        secret.replace("&", "&amp;").replace('"', "&quot;"),
        re.sub("(....)", r"\\u\1", secret.encode("utf-16-be").hex()),
    ]  # fmt: skip
    return [form.encode() for form in texts]


SECRETS = st.text(st.sampled_from('ab17é世😀"\\/ +%&='), max_size=8).map(lambda middle: f"Q{middle}Z")


# A backslash before an escape makes it another text.
BEFORE = st.binary(max_size=20).filter(lambda before: not before.endswith(b"\\"))


@given(secret=SECRETS, which=st.integers(0, 11), before=BEFORE, after=st.binary(max_size=20), data=st.data())
@example("Qé/Z", 11, b"\xf0\x9f", b"\x98", None)
def test_any_form_anywhere_in_any_bytes(secret: str, which: int, before: bytes, after: bytes, data: Any) -> None:
    ways = forms(secret)
    form = ways[which % len(ways)]
    whole = before + form + after
    places = data.draw(st.lists(st.integers(0, len(whole)), max_size=4)) if data else range(len(whole))
    ends = sorted({0, len(whole), *places})
    pieces = [whole[a:b] for a, b in pairwise(ends)]
    done = redacted(take(*pieces), [], [secret])
    assert answer(done) == before + b"*" * len(form) + after
    assert [len(step.data) for step in done.steps if isinstance(step, Piece)] == list(map(len, pieces))
    assert redacted(take(request=whole), [], [secret]).body == answer(done)


WIRES: list[Callable[[str], Any]] = [
    lambda t: {"t": t},
    lambda t: chunk(t, id="chatcmpl-1", created=1700000000),
    lambda t: {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": t}},
    lambda t: {"candidates": [{"content": {"parts": [{"text": t}], "role": "model"}, "index": 0}]},
    lambda t: {"message": {"role": "assistant", "content": t}, "done": False},
    lambda t: t,
]
FIELDS: list[Callable[[Any], str]] = [
    lambda v: v["t"], lambda v: v["choices"][0]["delta"]["content"], lambda v: v["delta"]["partial_json"],
    lambda v: v["candidates"][0]["content"]["parts"][0]["text"], lambda v: v["message"]["content"], lambda v: v,
]  # fmt: skip
FILLER = st.text(st.sampled_from('xy é世😀"\\\n{}[]:,'), max_size=6)


@given(
    wire=st.integers(0, 5), secret=SECRETS, filler=st.tuples(FILLER, FILLER, FILLER), shape=st.sampled_from("sna"),
    nested=st.booleans(), ascii=st.booleans(), data=st.data(),
)  # fmt: skip
def test_any_secret_split_over_deltas(
    wire: int, secret: str, filler: tuple[str, str, str], shape: str, nested: bool, ascii: bool, data: Any
) -> None:
    """Event streams, lines of JSON and one JSON array; nested: it is JSON in JSON, as a tool's arguments."""
    plain = secret.join(filler)
    said = json.dumps({"x": plain}, ensure_ascii=ascii) if nested else plain
    ends = sorted({0, len(said), *data.draw(st.lists(st.integers(0, len(said)), max_size=6))})
    frames = [json.dumps(WIRES[wire](said[a:b]), ensure_ascii=ascii) for a, b in pairwise(ends)]
    body = {"s": "".join(f"data: {each}\n\n" for each in frames), "n": "\n".join(frames), "a": f"[{', '.join(frames)}]"}
    after = blotted(body[shape].encode(), secret).decode()
    lines = {"s": [line[6:] for line in after.split("\n") if line], "n": after.split("\n"), "a": []}[shape]
    again = json.loads(after) if shape == "a" else [json.loads(line) for line in lines if line]
    read = "".join(map(FIELDS[wire], again))
    left = json.loads(read)["x"] if nested and read else read
    assert re.sub(r"\*+", "*", left) == re.sub(r"\*+", "*", "*".join(filler))


def test_interleaved_choices_and_parts_of_a_list() -> None:
    def of(index: int, said: str) -> dict[str, Any]:
        return {"choices": [{"index": index, "delta": {"content": said}}]}

    after = blotted(sse(of(0, "Ana"), of(1, "Bob"), of(0, " Novak"), of(1, "!")), NAME)
    assert text(after, lambda frame: frame["choices"][0]["delta"]["content"]) == "*Bob*!"
    # Some hosts send several in one frame, as long as there are several, and the first of them without its index.
    two = {"c": [{"t": "Ana"}, {"t": "Ana", "index": 1}]}
    for index in ({}, {"index": 1}):
        after = blotted(sse(two, {"c": [{"t": " Novak", **index}]}), NAME)
        assert text(after, lambda frame: "".join(one["t"] for one in frame["c"])) == ("Ana*" if index else "*Ana*")
    parts = {"parts": [{"text": "I am Ana"}, {"text": " Nov"}]}
    after = blotted(sse(parts, {"parts": [{"text": "ak."}]}), NAME)
    assert text(after, lambda frame: "".join(part["text"] for part in frame["parts"])) == "I am *."


def test_lines_that_are_no_json() -> None:
    assert blotted(b"data: Hi Ana\n\ndata:  Novak!\n\ndata: [DONE]\n\n", NAME) == (
        b"data: Hi ***\n\ndata: ******!\n\ndata: [DONE]\n\n"
    )
    assert blotted(b": Ana Novak\nevent: Ana Novak\n\n", NAME) == b": *********\nevent: *********\n\n"
    assert blotted(b'{Ana Novak}\n"Ana" Novak\n[1, Ana Novak', NAME) == b'{*********}\n"Ana" Novak\n[1, *********'


def test_names_of_fields_and_numbers_stay_json() -> None:
    body = b'{"Ana Novak": 5551234, "list": [15551234.5, -5551234], "t": "5551234", "n": 17}'
    after = blotted(body, NAME, "5551234")
    assert after == b'{"*********": 1111111, "list": [11111111.5, -1111111], "t": "*******", "n": 17}'
    twice = blotted(b'{"Ana Novak": 1}\n{"Ana Novak": 2}', re.compile("Ana [A-Z][a-z]+"))
    assert twice == b'{"*********": 1}\n{"*********": 2}'
    arguments = sse(*({"partial_json": each} for each in ('{"tel": 55', '51234, "t": "555', '1234"}')))
    said = "".join(json.loads(line[6:])["partial_json"] for line in blotted(arguments, "5551234").splitlines() if line)
    assert json.loads(said) == {"tel": 1111111, "t": "*******"}


def test_a_pattern_is_of_what_a_field_says_and_not_of_its_json() -> None:
    body = deltas("Mail an", "a@example.com", " or call\n+1 555", " 1234, she said")
    after = blotted(body, re.compile(r"\S+@\S+"), re.compile(r"\+[\d ]+\d"))
    assert text(after) == "Mail * or call\n*, she said"
    assert text(blotted(body, re.compile("call.*", re.S))) == "Mail ana@example.com or *"
    assert blotted(b"It is ana@example.com.", re.compile(r"\S+@[\w.]+\w")) == b"It is ***************."


def test_a_body_that_was_cut() -> None:
    body = deltas("I am Ana", " Nov")
    cut, lost = body[: body.rindex(b"v") + 1], End(0.0, "ConnectionLost")
    assert blotted(cut, NAME, end=lost) == cut.replace(b"Ana", b"***").replace(b" Nov", b"****")
    assert blotted(cut, NAME) == cut  # a whole body may say so
    assert blotted(b"I am Ana N", NAME, end=End(0.0, "closed")) == b"I am *****"


@pytest.mark.parametrize(
    ("echoed", "shown"),
    [
        (f"Incorrect API key provided: {KEY}. You", "Incorrect API key provided: *. You"),
        ("provided: sk-li***ij.", "provided: *."),
        ("provided: sk-live-****************ghij. Find", "provided: *. Find"),
        ("Your api key: ****ghij is invalid", "Your api key: * is invalid"),
        ("sk-live…", "*"),
        ("Wait... is it sk-...?", "Wait... is it sk-...?"),
    ],
)
def test_a_refused_key_that_is_echoed(echoed: str, shown: str) -> None:
    body = json.dumps({"error": {"message": echoed}}, ensure_ascii=False).encode()
    after = json.loads(blotted(body, key=KEY))["error"]["message"]
    assert re.sub(r"\*+", "*", after) == shown


def test_bytes_that_are_no_text_stay() -> None:
    body = bytes(range(256)) + NAME.encode() + bytes(range(255, -1, -1))
    done = redacted(take(*(body[at : at + 1] for at in range(len(body)))), [], [NAME])
    assert answer(done) == body.replace(NAME.encode(), b"*" * 9)
    cut = (Piece(0.3, b"\xe4\xb8"), Piece(0.4, b"\x96\r"), Piece(0.5, b"\n"))
    steps = (Mark(0.1, "connected"), Head(0.2, 200), *cut, DONE)
    assert redacted(Take("GET", "https://host/", steps=steps), [], [NAME]).steps == steps


@pytest.mark.parametrize(
    "body",
    [
        b'"' * 100_000, b"[" * 100_000, b"[\n" * 50_000, b'"" ' * 35_000, b"data: " * 20_000, b'{"a":' * 20_000,
        b'{"a":1} x ' * 10_000, b"\\" * 100_000, b"%25" * 35_000, b"sk-" * 35_000, b"Qa" * 50_000, b"***" * 35_000,
        b"aaaa" * 25_000, b'{"index":1,' + b'"index":1,' * 10_000, b'{"a[]a[]a[]":[' * 8_000,
    ],
    ids=lambda body: body[:8].decode(),
)  # fmt: skip
def test_hostile_bodies_take_no_longer(body: bytes) -> None:
    blotted(body, "QaQaQ", "aaaab", re.compile("Q[0-9]+"), key="***" + "x" * 20, end=End(0.0, "closed"))


# --- what looks like a key -------------------------------------------------------------------------------------------

LONG = "Ab3dE5x9Kk2LmN8q"  # 16 characters, the shortest
KEYS = [
    f"sk-{LONG}", f"sk-proj-{LONG}", f"sk-ant-api03-{LONG}", "sk-abcdefghijklmnop", "sk-0123456789abcdef",
    f"AIza{LONG}", f"gsk_{LONG}", f"xai-{LONG}", f"hf_{LONG}", f"ghp_{LONG}", f"github_pat_{LONG}_{LONG}",
    "AKIAIOSFODNN7EXAMPLE", f"Bearer {LONG}", f"bearer {LONG}", f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{LONG}",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_what_looks_like_a_key_is_refused_and_not_quoted(key: str) -> None:
    places: dict[str, Take] = {
        "the body of the request": take(request=json.dumps({"t": f"mine: {key}"}).encode()),
        "the answer": take(*(bytes([byte]) for byte in deltas(f"it is {key[:6]}", key[6:11], f"{key[11:]}."))),
        "the response's header X-Request-Id": take(headers=(("X-Request-Id", key),)),
        "the error": take(end=End(0.0, "ConnectionLost", {"detail": f"to {key}"})),
        "the URL of the request": take(url=f"https://host/v1/{quote(key)}/chat"),
    }
    for where, unsafe in places.items():
        with pytest.raises(UnsafeTape) as caught:
            redacted(unsafe, [], [])
        assert caught.value.where == where
        assert str(caught.value).startswith(f"not recorded: {where} has what looks like a key ({caught.value.key}).")
        assert LONG not in str(caught.value)
        assert "redact=" in str(caught.value)
        redacted(unsafe, [], [key])
        redacted(unsafe, [], [re.compile(r"[\w.-]{16,}")])


@pytest.mark.parametrize("encode", [forms, lambda key: [f'{{"a":"{key.replace("-", chr(92) + "u002d")}"}}'.encode()]])
def test_a_key_in_any_form_is_refused(encode: Callable[[str], list[bytes]]) -> None:
    for form in encode(f"sk-{LONG}"):
        with pytest.raises(UnsafeTape):
            redacted(take(b"\n" + form), [], [])


def test_a_key_of_which_a_part_is_blotted() -> None:
    with pytest.raises(UnsafeTape):
        redacted(take(f"sk-{LONG}xyz-{LONG}".encode()), [], ["xyz"])
    redacted(take(f"sk-{LONG}".encode()), [], [LONG[4:12]])


@pytest.mark.parametrize(
    "words",
    [
        "task-based", "risk-free-options-2024", "Bearer of good news", "sk-learn-2024-release-notes",
        "disk-0123456789ab", "Bearer authentication is described", "Bearer YOUR_OPENAI_API_KEY_HERE",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxx", "sk-...", "from sklearn.ensemble import HistGradientBoostingClassifier",
        "sk-based-gpt-4o-mini-2024-07-18", "AIzaSy", "hf_model_name_of_something",
        "xai-grok-code-fast-release-candidate", "Bearer {token}", "ask-0123456789abcdef",
    ],
)  # fmt: skip
def test_words_are_no_keys(words: str) -> None:
    assert keylike(words) is None
    redacted(take(deltas(words), request=words.encode()), [], [])


# --- redact= ---------------------------------------------------------------------------------------------------------


def test_what_redact_takes() -> None:
    pattern = re.compile(r"\d{4,}")
    assert checked_redact(NAME) == (NAME,)
    assert checked_redact(pattern) == (pattern,)
    assert checked_redact([NAME, pattern]) == (NAME, pattern)
    assert checked_redact(()) == ()


@pytest.mark.parametrize(
    ("redact", "said"),
    [
        ("", "two characters or more"), (" ", "two characters"), ("a", "two characters"),
        ([NAME, ""], "two characters"), (re.compile("x*"), "have it match one character at least"),
        (re.compile(b"abc"), "not a pattern of bytes"), (b"abc", "not bytes"), (5, "not int"), (None, "not NoneType"),
        ({"a": "b"}, "not dict"), ([b"x"], "not bytes"),
    ],
)  # fmt: skip
def test_what_redact_does_not_take(redact: object, said: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(said)):
        checked_redact(redact)
