"""Which take answers a request, and what is said where none does."""

from __future__ import annotations

import json
import pickle
import threading
from typing import Any
from urllib.parse import urlencode

import pytest
from exchange_driver import exchange
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio_core import ChatRequest, HttpRequest, InvalidRequest, providers
from sansio_core.providers import Provider, create
from sansio_core.tape import Deck, Difference, Take, Tape, UnmatchedRequest, play
from sansio_core.tape.compare import blotted_alike
from sansio_core.tape.redact import checked_redact, redacted

KEY = "sk-the-key-of-the-live-request-1234"
FORM = (("content-type", "application/x-www-form-urlencoded"),)
OPENAI = create("openai", api_key=KEY)
OTHER = create("openai", api_key="x", base_url="http://127.0.0.1:8080/openai/v1")


def request(body: Any = b"", path: str = "/chat/completions", provider: Provider = OPENAI, **more: Any) -> HttpRequest:
    """A request with `body`, bytes or what is written as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    fields = {"method": "POST", "headers": (("authorization", f"Bearer {KEY}"),), **more}
    return HttpRequest(fields["method"], provider.base_url + path, fields["headers"], data)


def taped(*requests: HttpRequest, base: str = OPENAI.base_url, name: str = "openai", redact: Any = ()) -> Tape:
    takes = (Take(each.method, each.url, base, name, tuple(each.headers), each.body) for each in requests)
    return Tape.of(redacted(take, (), checked_redact(redact)) for take in takes)


def matches(one: Any, other: Any, redact: Any = (), ignore: Any = (), **more: Any) -> bool:
    """Whether a take of the body `one` answers a request of the body `other`."""
    deck = Deck(taped(request(one, **more), redact=redact), ignore=ignore)
    try:
        deck.take(request(other, **more), OPENAI)
    except UnmatchedRequest:
        assert len(deck.unmatched) == len(deck.unused) == 1
        return False
    assert not deck.unmatched
    assert not deck.unused
    return True


def unmatched(tape: Tape, *asked: HttpRequest, provider: Provider = OPENAI) -> UnmatchedRequest:
    deck = Deck(tape)
    for each in asked[:-1]:
        deck.take(each, provider)
    with pytest.raises(UnmatchedRequest) as caught:
        deck.take(asked[-1], provider)
    assert deck.unmatched == [caught.value]
    return caught.value


# --- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": [1, {"c": None}]}, {"b": [1.0, {"c": None}], "a": 1.0}, True),
        ({"a": 1}, {"a": True}, False), ({"a": 0}, {"a": False}, False), ({"a": [0]}, {"a": [False]}, False),
        ({"a": 1}, {"a": "1"}, False), ({"a": None}, {}, False), ({"a": []}, {"a": {}}, False),
        ([1, 2], [2, 1], False), ([1], [1, 1], False), ({"seed": -1}, {"seed": -2}, False),
        (b"", b"", True), (b"", b"{}", False), (b"\xff", b"\xff", True), (b"\xff", b"\xfe", False),
        (b'{"a": 1}', b'{ "a":1.0 }', True), (b'{"a":', b'{"a": ', False), (b"[" * 99999, b"[" * 99999, True),
        ({"a": "č"}, b'{"a": "\\u010d"}', True), ({"a": 10**400}, {"a": 10**400}, True),
    ],
)  # fmt: skip
def test_json_is_compared_by_its_values(one: Any, other: Any, same: bool) -> None:
    assert matches(one, other) is same
    assert matches(other, one) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"a=1&b=2", b"b=2&a=1", True), (b"a=x+y", b"a=x%20y", True), (b"a=1", b"a=1.0", False),
        (b"a=1&a=2", b"a=1&a=2", True), (b"a=1&a=2", b"a=2&a=1", False), (b"a=", b"", False), (b"a=", b"a", True),
    ],
)  # fmt: skip
def test_a_form_is_compared_by_its_fields(one: bytes, other: bytes, same: bool) -> None:
    assert matches(one, other, headers=FORM) is same


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(value=JSON, other=JSON)
def test_any_value_matches_itself_in_any_order_and_no_other(value: Any, other: Any) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: turned(value[name]) for name in reversed(value)}
        return [turned(each) for each in value] if isinstance(value, list) else value

    def plain(value: Any) -> str:
        if isinstance(value, dict):
            return f"{{{', '.join(f'{name!r}: {plain(value[name])}' for name in sorted(value))}}}"
        if isinstance(value, list):
            return f"[{', '.join(map(plain, value))}]"
        return repr(value + 0.0) if type(value) in (int, float) and abs(value) < 2**53 else repr(value)

    assert matches(value, turned(value))
    if "*" not in plain(value) and "1111" not in plain(value):
        assert matches(value, other) is (plain(value).replace("-0.0", "0.0") == plain(other).replace("-0.0", "0.0"))


# --- what was blotted out --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "redact", "other", "same"),
    [
        ("I am Ana Novak.", "Ana Novak", "I am Ana Novak.", True),
        ("I am Ana Novak.", "Ana Novak", "I am Eva Novak.", True),
        ("I am Ana Novak.", "Ana Novak", "I am Ana Novakova.", False),
        ("I am Ana Novak.", "Ana Novak", "Am I Ana Novak?", False),
        ("I am Ana Novak.", "Ana Novak", "I am ******.", True),
        ("Živa Čuček says č", "Živa Čuček", "Živa Čuček says č", True),
        ('a "quoted\\name"\n!', 'quoted\\name"\n', 'a "quoted\\name"\n!', True),
        ("Ana and Ana and Ana", "Ana", "Ana and Eva and Ana", True),
        ("**bold** and Ana", "Ana", "**bold** and Ana", True),
        ("number 123456 here", "123456", "number 123456 here", True),
    ],
)  # fmt: skip
def test_a_blotted_text_matches_whatever_is_as_long(said: str, redact: str, other: str, same: bool) -> None:
    def body(text: str) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": text}], "n": 1}

    assert matches(body(said), body(other), redact) is same
    escaped = json.dumps(body(said)).encode(), json.dumps(body(other)).encode()
    assert matches(*escaped, redact) is same, "as other clients write JSON"
    if "*****" not in other:  # a form escapes the `*` of a text
        form = urlencode({"a": said}).encode(), urlencode({"a": other}).encode()
        assert matches(*form, redact, headers=FORM) is same


def test_a_name_and_a_number_that_were_blotted_out() -> None:
    assert matches({"Ana": 1, "b": 2}, {"b": 2, "Ana": 1}, "Ana")
    assert not matches({"Ana": 1, "b": 2}, {"b": 2, "Ana": 2}, "Ana")
    assert matches({"user": 123456}, {"user": 654321}, "123456")
    assert not matches({"user": 123456}, {"user": 65432}, "123456")
    assert not matches({"seed": 1}, {"seed": 2})
    assert not matches({"a": "Ana", "b": True}, {"a": "Eva", "b": 1}, "Ana")


def test_a_secret_of_the_live_request_in_its_body() -> None:
    tape = Tape.of([Take("POST", OPENAI.endpoint("x"), OPENAI.base_url, body=b'{"a": "my key is **********, ok"}')])
    Deck(tape).take(request({"a": f"my key is {KEY}, ok"}, "/x"), OPENAI)
    common = HttpRequest("POST", OPENAI.endpoint("x"), (("authorization", "Bearer test"),), b'{"a": "a test"}')
    Deck(taped(request({"a": "a test"}, "/x"))).take(common, OPENAI)
    Deck(taped(request({"a": "* test"}, "/x"))).take(common, OPENAI)


PLAIN = st.binary(max_size=4).filter(lambda part: b"*" not in part)


@given(parts=st.lists(PLAIN, min_size=1, max_size=5), data=st.data())
def test_any_text_matches_what_was_blotted_out_of_it(parts: list[bytes], data: st.DataObject) -> None:
    hidden = [data.draw(st.binary(min_size=1, max_size=4)) for _ in parts[1:]]
    stars = [b"*" * len(each) for each in hidden]
    whole, tape = (
        b"".join(text for pair in zip(parts, [*texts, b""], strict=True) for text in pair) for texts in (hidden, stars)
    )
    assert blotted_alike(tape, whole)
    assert blotted_alike(tape, tape.replace(b"*", b"**"))
    assert not blotted_alike(tape, whole + b"x")


def test_a_long_text_with_many_blots_is_compared_in_no_time() -> None:
    assert not blotted_alike(b"*a" * 20_000 + b"b", b"*a" * 20_000 + b"c")


# --- targets ---------------------------------------------------------------------------------------------------------


def test_a_tape_of_one_host_is_played_at_another() -> None:
    Deck(taped(request())).take(request(provider=OTHER), OTHER)
    error = unmatched(taped(request()), request(path="/responses", provider=OTHER), provider=OTHER)
    assert [each.path for each in error.differences] == ["target"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/m?a=1&b=2", "/m?b=2&a=1", True), ("/m?a=1", "/m?a=2", False), ("/m?a=1", "/m", False),
        ("/m?key=s3cret&a=1", "/m?a=1&key=another", True), ("/m?key=s3cret", "/m", True), ("/m", "/n", False),
        ("/m?user=Ana", "/m?user=Eva", True), ("/of/Ana", "/of/Eva", True),
    ],
)  # fmt: skip
def test_the_order_and_the_secrets_of_a_query_do_not_count(one: str, other: str, same: bool) -> None:
    deck = Deck(taped(request(path=one), redact=["Ana"]))
    if same:
        deck.take(request(path=other), OPENAI)
    else:
        with pytest.raises(UnmatchedRequest):
            deck.take(request(path=other), OPENAI)


def test_a_redirected_request_at_another_host() -> None:
    moved = HttpRequest("POST", "https://api.openai.com/elsewhere")
    Deck(taped(moved)).take(HttpRequest("POST", "http://127.0.0.1:8080/elsewhere"), OTHER)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.openai.com/v1/chat/completions", ""),
        ("/chat/completions", ""),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/"),
    ],
)
def test_a_tape_that_was_written_by_hand(url: str, base: str) -> None:
    for provider in (OPENAI, OTHER):
        Deck(Tape.of([Take("POST", url, base)])).take(request(provider=provider), provider)
    error = unmatched(Tape.of([Take("POST", url, base)]), request(path="/responses"))
    assert [each.path for each in error.differences] == ["target"]


@pytest.mark.parametrize("url", ["http://[h", "http://h:port/x", "http://h:99999/x", "x", "//"])
def test_an_address_that_cannot_be_read_answers_nothing(url: str) -> None:
    for base in ("", url, OPENAI.base_url):
        unmatched(Tape.of([Take("POST", url, base)]), request())


def test_the_method_counts() -> None:
    error = unmatched(taped(request()), request(method="GET"))
    assert error.differences == (Difference("method", '"POST"', '"GET"'),)


# --- which of several, and how often ---------------------------------------------------------------------------------


def test_each_take_answers_once_and_equal_ones_in_their_order() -> None:
    tape = Tape.of(Take("POST", OPENAI.endpoint("x"), OPENAI.base_url, headers=(("n", str(n)),)) for n in range(3))
    deck = Deck(tape)
    assert [deck.take(request(path="/x"), OPENAI).headers[0][1] for _ in range(3)] == ["0", "1", "2"]
    assert deck.unused == ()
    with pytest.raises(UnmatchedRequest):
        deck.take(request(path="/x"), OPENAI)


def test_a_take_of_the_same_provider_comes_before_one_of_another() -> None:
    tape = Tape.of([*taped(request(), name="groq").takes, *taped(request()).takes])
    for name, of in (("openai", "openai"), ("groq", "groq"), ("mistral", "groq")):
        provider = create(name, api_key="any")
        assert Deck(tape).take(request(provider=provider), provider).provider == of


def test_an_exact_take_comes_before_one_with_a_text_blotted_out() -> None:
    tape = Tape.of([*taped(request({"a": "Ana"}), redact=["Ana"]).takes, *taped(request({"a": "Eva"})).takes])
    deck = Deck(tape)
    assert deck.take(request({"a": "Eva"}), OPENAI) == tape.takes[1]
    assert deck.take(request({"a": "Eva"}), OPENAI) == tape.takes[0]


def test_many_threads_share_a_deck() -> None:
    tape = taped(*[request({"a": number % 3}) for number in range(306)])
    deck = Deck(tape)
    found: list[Take] = []
    barrier = threading.Barrier(6)

    def ask() -> None:
        barrier.wait()
        found.extend(deck.take(request({"a": number % 3}), OPENAI) for number in range(51))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert deck.unused == ()
    assert len({id(take) for take in found}) == 306


# --- fields that do not count ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ignore", "one", "other", "same"),
    [
        (("a",), {"a": 1, "b": 1}, {"a": 2, "b": 1}, True), (("a",), {"a": 1}, {}, True),
        ("a", {}, {"a": {"b": 1}}, True),
        (("a.b",), {"a": {"b": 1}}, {"a": {"b": 2}}, True), (("a.b",), {"a": {"c": 1}}, {"a": {"c": 2}}, False),
        (("a.*.id",), {"a": [{"id": 1}, {"id": 2}]}, {"a": [{}, {"id": 3}]}, True),
        (("a.*.id",), {"a": {"x": {"id": 1}}}, {"a": {"x": {}}}, True),
        (("a.1",), {"a": [1, 2, 3]}, {"a": [1, 9, 3]}, True), (("a.1",), {"a": [1, 2]}, {"a": [1]}, True),
        (("a.1",), {"a": [1, 2, 3]}, {"a": [1, 3]}, False), (("*",), {"a": 1}, {"b": 1}, True),
        (("a", "c"), {"a": "*****", "c": 1, "d": 1}, {"a": 1, "c": "x", "d": 1}, True),
    ],
)  # fmt: skip
def test_what_is_ignored(ignore: Any, one: Any, other: Any, same: bool) -> None:
    assert matches(one, other, ignore=ignore) is same
    if all(isinstance(each, dict) and not any(isinstance(value, (dict, list)) for value in each.values())
           for each in (one, other)):  # fmt: skip
        assert matches(urlencode(one).encode(), urlencode(other).encode(), ignore=ignore, headers=FORM) is same


@pytest.mark.parametrize("bad", [5, [5], [""], "a..b", [None], [b"a"], "."])
def test_a_bad_ignore(bad: Any) -> None:
    with pytest.raises(InvalidRequest, match="ignore= names fields of the body"):
        Deck(Tape(), ignore=bad)


def first_request(name: str, random: float, **config: Any) -> HttpRequest:
    provider = create(name, **config)
    call = provider.begin(ChatRequest("Hello"), lambda: random)
    if call.setup_request(0) is not None:
        call.receive_setup((), f'<p data-nonce="n{random}" data-post-id="{int(random * 100)}">'.encode())
    assert call.setup_request(0) is None
    return call.request()


@pytest.mark.parametrize("name", providers.names())
def test_each_provider_sends_the_same_at_any_draw_and_host(name: str) -> None:
    config = {"api_key": "any", "model": None if providers.info(name).default_model else "m"}
    base = "https://r.openai.azure.com" if name == "azure_openai" else None
    ours = create(name, base_url=base, **config)
    first = first_request(name, 0.1, base_url=base, **config)
    elsewhere = {**config, "base_url": "http://127.0.0.1:9/there"}
    deck = Deck(taped(first, base=ours.base_url, name=name))
    deck.take(first_request(name, 0.9, **elsewhere), create(name, **elsewhere))


# --- where none matches ----------------------------------------------------------------------------------------------


def ask(text: str = "Hello", **options: Any) -> HttpRequest:
    ours = exchange("openai", config={"api_key": KEY, "model": "m"}, messages=text)
    sent = ours.provider.call(ChatRequest(text, **options), lambda: 0.5).request()
    assert sent.url == OPENAI.endpoint("chat/completions")
    return sent


def test_the_nearest_take_and_where_it_differs() -> None:
    error = unmatched(taped(ask("Hello"), ask("Bye", temperature=0.5)), ask("Bye", temperature=0.7, top_p=1))
    assert str(error) == (
        "no take of the tape answers POST /chat/completions; take 2 of 2 is nearest. They differ:\n"
        "  temperature: taped 0.5, asked 0.7\n"
        "  top_p: not on the tape, asked 1\n"
        'record the tape anew, or name what differs from run to run: ignore=("temperature", "top_p")'
    )
    assert (error.method, error.target, error.nearest, error.takes) == ("POST", "/chat/completions", 2, 2)
    assert error.differences == (Difference("temperature", "0.5", "0.7"), Difference("top_p", None, "1"))
    assert isinstance(error, AssertionError)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.differences) == (str(error), error.differences)


def test_a_take_that_was_played_already() -> None:
    error = unmatched(taped(ask("Hello"), ask("Bye")), ask("Hello"), ask("Hello"))
    assert "take 1 of 2 would, and was played already (each answers one request)" in str(error)
    assert (error.nearest, error.used, error.differences) == (1, True, ())
    error = unmatched(taped(ask("Hello")), ask("Hello"), ask("Hallo"))
    assert "take 1 of 1 is nearest, and was played already. They differ:\n  messages.0.content: taped" in str(error)


def test_an_empty_tape() -> None:
    assert str(unmatched(Tape(), ask())) == (
        "no take of the tape answers POST /chat/completions: the tape is empty; record it anew"
    )


def test_a_long_text_is_shown_where_it_differs() -> None:
    error = unmatched(taped(ask("x" * 500 + " Ana " + "y" * 500)), ask("x" * 500 + " Eva " + "y" * 500))
    (difference,) = error.differences
    assert difference.taped == "…" + "x" * 19 + " Ana " + "y" * 36 + "…"
    assert difference.asked == "…" + "x" * 19 + " Eva " + "y" * 36 + "…"


def test_many_differences_are_bounded_and_the_outermost_come_first() -> None:
    error = unmatched(taped(request({"m": [{"c": n} for n in range(50)], "a": 1})), request({"m": [{"c": 99}] * 50}))
    assert len(error.differences) == 10
    assert error.differences[0].path == "a"
    assert "and at 41 more places" in str(error)
    assert len(str(error)) < 1000


def test_a_body_that_is_no_json() -> None:
    error = unmatched(taped(request(b"one")), request(b"two"))
    assert error.differences == (Difference("", "one", "two"),)
    assert "ignore=" not in str(error), "there is nothing that it could name"


def test_a_body_that_is_not_there() -> None:
    (difference,) = unmatched(taped(request()), request({"a": 1})).differences
    assert str(difference) == 'body: not on the tape, asked {"a": 1}'


@pytest.mark.parametrize("tape", ["hello.tape", b"# sansio-chat tape 1\n", [Take("GET", "http://h/")], None])
def test_what_is_no_tape(tape: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"as Tape.loads\(data\) gives one"):
        Deck(tape)
    with pytest.raises(InvalidRequest, match="a Tape is played"):
        list(play(tape, exchange("openai", config={"api_key": KEY})))


def test_no_secret_of_the_live_request_is_told() -> None:
    other = "sk-proj-another4keyThat5looks6like1"
    body = {"a": f"before {KEY} after", "b": {"api_key": "hunter2"}, "c": other, "d": {"e": [KEY]}, KEY: 1}
    tape = taped(request({"a": "x", "b": {"api_key": "y"}}))
    for path in ("/chat/completions", f"/x?key={KEY}&a={KEY}"):
        error = unmatched(tape, request(body, path))
        for secret in (KEY, "hunter2", other):
            assert secret not in f"{error!s} {error!r} {error.args} {error.differences}"
