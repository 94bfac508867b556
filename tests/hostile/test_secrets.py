"""Planted values, and a search for them in all that a peer, a log or a person may see: they are nowhere but on the way
to the host that they are for."""

from __future__ import annotations

import base64
import logging
import re
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hostile_rows_network import on_tls_port, plain, relay, tls_pair
from hostile_server import Fault, Server
from matrix import head, sized, sse
from ports import closed_port
from seats import Outcome, Seat
from servers import Peer

from sansio_core import ChatError, ChatRequest, Choice, Exchange, Reply, RetryPolicy, Send, Timeouts, providers
from sansio_core.providers import JSONProvider, ProviderInfo
from sansio_core.tape import Tape
from transports.cli import main
from transports.emulator import Emulator, faults

KEY, COOKIE, PROXY_WORD, QUERY = "sk-PLANTED-key-1", "PLANTED-cookie-2", "PLANTED-proxy-3", "PLANTED-query-4"
SECRETS = (KEY, COOKIE, PROXY_WORD, QUERY, base64.b64encode(f"user:{PROXY_WORD}".encode()).decode())
CARRIERS = {
    "openai": "authorization",
    "anthropic": "x-api-key",
    "azure_openai": "api-key",
    "gemini": "x-goog-api-key",
    "acytoo": "authorization",  # given by the user as a header
}
QUICK = RetryPolicy(attempts=2, first_wait=0.01, jitter=0)


def found(text: str) -> list[str]:
    """The planted values in `text`."""
    return [secret for secret in SECRETS if secret in text]


@dataclass
class Scene:
    """What a test may look at after the call."""

    base_url: str
    host: Server
    others: list[Server] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


def echo(status: int) -> Fault:
    """A server that says all that it was told."""

    def fault(peer: Peer) -> None:
        request = peer.last.decode("latin-1").replace("\r\n", " ").replace('"', "'")
        peer.send(sized(b'{"error": {"message": "you sent: %b"}}' % request.encode(), status, "application/json"))

    return fault


def echo_in_band(peer: Peer) -> None:
    request = peer.last.decode("latin-1").replace("\r\n", " ").replace('"', "'")
    peer.send(sized(b'data: {"error": {"message": "you sent: %b"}}\n\n' % request.encode()))


def echo_as_reason(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 what " + peer.last.replace(b"\r\n", b" ") + b"\r\n\r\n")
    peer.gone()


def cut(peer: Peer) -> None:
    peer.send(head(content_length="999") + sse("Hello", end=False))
    raise EOFError


def to(location: str, status: int = 307) -> bytes:
    return b"HTTP/1.1 %d Moved\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % (status, location.encode())


def beside(fault: Fault, location: str = "") -> Callable[[], Any]:
    """A host with that fault; with `location`, it redirects there, and PORT is another origin's."""

    @contextmanager
    def scene() -> Iterator[Scene]:
        with Server(b"", b"") as other:
            deed = to(location.replace("PORT", str(other.port))) if location else fault
            with Server(deed, deed) as host:
                yield Scene(f"http://127.0.0.1:{host.port}", host, [other])

    return scene


@contextmanager
def nobody() -> Iterator[Scene]:
    with Server(b"", b"") as other:
        yield Scene(f"http://127.0.0.1:{closed_port()}", other, [other])


@contextmanager
def tunnel(work: Callable[[Peer, int], None] = relay, status: int = 401) -> Iterator[Scene]:
    """An https host behind a proxy that may only tunnel."""
    server_tls, client_tls = tls_pair()
    with (
        Server(echo(status), b"", tls=server_tls) as host,
        Server(lambda peer: work(peer, host.port), b"") as proxy,
    ):
        settings = {"verify": client_tls, "proxy": f"http://user:{PROXY_WORD}@127.0.0.1:{proxy.port}"}
        yield Scene(f"https://127.0.0.1:{host.port}", host, [proxy], settings)


def refuses(peer: Peer, port: int) -> None:
    peer.send(sized(peer.last, 407, "text/plain"))


@contextmanager
def dead_proxy() -> Iterator[Scene]:
    with Server(b"", b"") as host:
        proxy = f"http://user:{PROXY_WORD}@127.0.0.1:{closed_port()}"
        yield Scene(f"http://127.0.0.1:{host.port}", host, [host], {"proxy": proxy})


SCENES: dict[str, Callable[[], Any]] = {
    "a good answer": beside(sized(sse("Hello"))),
    "a refusal that says what it was told": beside(echo(401)),
    "a failure that says it, tried again": beside(echo(503)),
    "an error in the stream that says it": beside(echo_in_band),
    "a status line that says it": beside(echo_as_reason),
    "a cut answer": beside(cut),
    "silence": beside(Peer.gone),
    "a redirect to another origin": beside(b"", f"http://127.0.0.1:PORT/x?key={QUERY}"),
    "a redirect to another name of this host": beside(b"", f"http://localhost:PORT/x?key={QUERY}"),
    "a redirect to https": beside(b"", f"https://127.0.0.1:PORT/x?key={QUERY}"),
    "a redirect with credentials": beside(b"", f"http://user:{QUERY}@127.0.0.1:PORT/x"),
    "a redirect to file:": beside(b"", f"file:///etc/passwd?key={QUERY}"),
    "redirects in a circle": beside(b"", f"/again?key={QUERY}"),
    "a redirect to no URL": beside(b"", f"http://[{QUERY}?key={QUERY}"),
    "nobody there": nobody,
    "a tunnel": tunnel,
    "a proxy that refuses a tunnel": lambda: tunnel(refuses),
    "no proxy there": dead_proxy,
}


_FOR_ALL = ("a good answer", "a refusal that says what it was told", "a redirect to another origin", "a tunnel")


@pytest.mark.parametrize(
    ("name", "scene"),
    [(name, scene) for name in CARRIERS for scene in SCENES if name == "openai" or scene in _FOR_ALL],
)
def test_planted_values_are_nowhere(
    seat: Seat, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path,
    name: str, scene: str,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    seen: list[Any] = []
    tape = tmp_path / "t.tape"
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        place: Scene = stack.enter_context(SCENES[scene]())
        key = {"headers": {"authorization": f"Bearer {KEY}"}} if name == "acytoo" else {"api_key": KEY}
        clock = Timeouts(connect=5, first_event=0.1 if scene == "silence" else 5)
        client = seat.client(
            name, base_url=place.base_url, model="gpt-3.5-turbo", cookies={"session": COOKIE}, retry=QUICK,
            timeout=clock, **key, **place.settings,
        )  # fmt: skip
        outcome = Outcome(seat, client, [{"role": "user", "content": "Hello"}], record=tape)
        seen.append(tape.read_text(encoding="utf-8"))
        assert len(Tape.loads(seen[0]).takes) >= 1
        held = [getattr(outcome.reply, name) for kind in (Reply, Choice) for name in kind.__slots__]
        seen += [client, client.provider, outcome.exchange, outcome.reply, held, outcome.text]
        seen += [outcome.exchange.request, outcome.exchange.headers if "redirect" not in scene else ""]
        seen += list(everything(outcome.error))
        seat.close_client(client)
    own = b"".join(request for _, request in place.host.requests).decode("latin-1")
    if place.host not in place.others:
        assert KEY in own or scene in ("a proxy that refuses a tunnel",), "the host itself must get it"
        assert re.search(rf"(?i)^{CARRIERS[name]}: ", own, re.M) or not own
        assert PROXY_WORD not in own
    for other in place.others:
        arrived = b"".join(request for _, request in other.requests).decode("latin-1")
        assert not [secret for secret in (KEY, COOKIE, QUERY) if secret in arrived], "another peer got it"
        assert not arrived or arrived.startswith("CONNECT ")
    for thing in seen:
        assert not found(f"{thing!r} {thing}"), type(thing)
    assert not found(caplog.text), "a log has it"
    assert not found("".join(capfd.readouterr()))


class KeyInBody(JSONProvider):
    """A wire of the user's own, which has the key in its body."""

    info = ProviderInfo("key_in_body", "https://own.example")
    key_header = None

    def payload(self, request: ChatRequest, model: str | None) -> Mapping[str, Any]:
        return {"prompt": request.messages[0].text, "k": self.api_key}

    def parser(self, content_type: str = "", **limits: Any) -> Any:
        return providers.create("openai", api_key="any").parser(content_type)


@pytest.mark.parametrize("coded", [False, True], ids=["plain", "in base64"])
def test_a_key_in_the_body(seat: Seat, caplog: pytest.LogCaptureFixture, tmp_path: Path, coded: bool) -> None:
    caplog.set_level(logging.DEBUG)
    key, tape = "PLANTED-key-in-body", tmp_path / "t.tape"

    def host(peer: Peer) -> None:
        said = base64.b64encode(peer.last) if coded else b"you sent " + peer.last.partition(b"\r\n\r\n")[2]
        peer.send(sized(said, 401, "text/plain"))

    with Server(host, b"") as server:
        client = seat.client(KeyInBody(api_key=key, base_url=f"http://127.0.0.1:{server.port}"))
        outcome = Outcome(seat, client, record=tape)
    take = Tape.loads(tape.read_bytes()).takes[0]
    assert key.encode() not in take.body
    if coded:  # `*` is no letter of base64
        assert key.encode() not in base64.b64decode(take.answer.replace(b"*", b"A"))
    else:
        for thing in [*everything(outcome.error), caplog.text, take.answer]:
            assert key not in f"{thing!r} {thing}"


def everything(error: ChatError | None) -> Iterator[Any]:
    """An error in every form in which one may see it."""
    if error is None:
        return
    yield from (error, error.args, vars(error), error.reply, "".join(traceback.format_exception(error)))
    chain: BaseException | None = error
    while chain is not None:
        yield from (chain, chain.args)
        chain = chain.__cause__ or chain.__context__


def test_warnings_quote_nothing(seat: Seat, emulator: Emulator) -> None:
    client = seat.client("yqcloud", base_url=emulator.base_url("yqcloud"), headers={"authorization": KEY})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = seat.stream(client, user=KEY, headers={"x-api-key": KEY})
        emulator.order(faults.Stall("body", after_pieces=1))
        stream.next()
        del stream
    assert caught
    assert not found(" ".join(str(warning.message) for warning in caught))


# --- the page of ChatgptFree: a nonce and cookies that come and go --


def test_the_pages_nonce_and_cookies(seat: Seat, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    nonce, cookie = "PLANTED-nonce-5", "PLANTED-page-cookie-6"
    page = (f'<div data-post-id="7" data-nonce="{nonce}">').encode()

    def host(peer: Peer) -> None:
        if peer.last.startswith(b"GET"):
            peer.send(sized(page, content_type="text/html", set_cookie=f"wp={cookie}; path=/"))
        else:
            echo(500)(peer)

    with Server(host, b"") as server:
        client = seat.client("chatgpt_free", base_url=f"http://127.0.0.1:{server.port}", retry=1)
        outcome = Outcome(seat, client)
        sent = server.requests[-1][1].decode()
        assert nonce in sent
        assert cookie in sent
        seen = [client, client.provider, vars(client.provider), outcome.exchange, outcome.exchange.request]
        for thing in [*seen, *everything(outcome.error), caplog.text]:
            assert nonce not in f"{thing!r} {thing}"
            assert cookie not in f"{thing!r} {thing}"
        assert "[hidden]" in repr(outcome.error)


# --- fields of gateways, which nobody here knows --

FIELDS = {
    name: f"PLANTED-in-{name}"
    for name in (
        "ocp-apim-subscription-key", "helicone-auth", "cf-aig-authorization", "x-portkey-api-key", "x-auth-token",
        "x-amz-security-token", "cf-access-client-secret", "cf-access-client-id", "x-of-tomorrow",
    )
}  # fmt: skip
ECHO = {401: echo(401), 503: echo(503), 200: echo_in_band}


@pytest.mark.parametrize("status", ECHO)
@pytest.mark.parametrize("given", ["to the client", "to the call"])
def test_headers_of_the_users_own(seat: Seat, caplog: pytest.LogCaptureFixture, given: str, status: int) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {**FIELDS, "x-title": "sent"}
    own, per_call = ({"headers": headers}, {}) if given == "to the client" else ({}, {"headers": headers})
    with Server(ECHO[status], b"") as server:
        client = seat.client("openai", api_key=KEY, base_url=f"http://127.0.0.1:{server.port}", retry=QUICK, **own)
        outcome = Outcome(seat, client, **per_call)
        sent = server.requests[0][1].decode()
        seat.close_client(client)
    assert all(f"{name}: {value}".lower() in sent.lower() for name, value in FIELDS.items())
    assert outcome.error is not None
    seen = [client, client.provider, outcome.exchange, outcome.exchange.request, outcome.reply]
    for thing in [*seen, *everything(outcome.error)]:
        assert "PLANTED" not in f"{thing!r} {thing}", type(thing)
    assert "PLANTED" not in caplog.text
    assert "x-of-tomorrow: [hidden]" in caplog.text
    assert "accept: " in caplog.text
    assert "content-type: application/json" in caplog.text
    assert "you sent: POST" in str(outcome.error), "a short word is left where it is said"


def test_a_responses_fields(seat: Seat, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "transports.wire")
    counts = {
        "x-request-id": "req-1", "retry-after": "1", "x-ratelimit-remaining-tokens": "149984",
        "anthropic-ratelimit-tokens-remaining": "9000", "anthropic-version": "2023-06-01",
    }  # fmt: skip
    secret = {"x-session-token": "PLANTED-session", "set-cookie": "a=PLANTED-cookie", "x-new-api-key": "PLANTED-key"}
    fields = {name.replace("-", "_"): value for name, value in {**counts, **secret}.items()}
    with Server(sized(sse("Hello"), **fields), b"") as server:
        client = seat.client("openai", api_key=KEY, base_url=f"http://127.0.0.1:{server.port}")
        assert Outcome(seat, client).text == "Hello"
        seat.close_client(client)
    assert "PLANTED" not in caplog.text
    assert all(f"{name}: {value}" in caplog.text for name, value in counts.items())
    assert all(f"{name}: [hidden]" in caplog.text for name in secret)


# --- the core by itself, the command line --


def test_headers_of_the_users_own_in_the_core() -> None:
    names = list(FIELDS)
    client, call = ({name: FIELDS[name] for name in half} for half in (names[::2], names[1::2]))
    provider = providers.create("openai", api_key=KEY, base_url="http://127.0.0.1:1", headers=client)
    exchange = Exchange(provider, ChatRequest("Hi", headers=call), retry=1)
    action = exchange.next_action(0.0)
    assert isinstance(action, Send)
    assert set(FIELDS.values()) < {value for _, value in action.request.headers}
    exchange.receive_head(401, (("content-type", "application/json"),), 0.0)
    exchange.receive_data(f'{{"error": {{"message": "you sent: {" ".join(FIELDS.values())}"}}}}'.encode(), 0.0)
    exchange.receive_data(b"", 0.0)
    with pytest.raises(ChatError, match="you sent: ") as caught:
        exchange.next_action(0.0)
    listing = provider.models_request()
    for thing in (provider, exchange, action, action.request, listing, *everything(caught.value)):
        assert "PLANTED" not in f"{thing!r} {thing}", type(thing)


@pytest.mark.parametrize("name", CARRIERS)
def test_what_the_core_shows(name: str) -> None:
    headers = {"authorization": KEY, "Proxy-Authorization": KEY, "X-API-Key": KEY}
    provider = providers.create(
        name, api_key=KEY, base_url="http://127.0.0.1:1", model="gpt-3.5-turbo", headers=headers, cookies={"c": COOKIE}
    )
    request = ChatRequest([{"role": "user", "content": "Hi"}], headers=headers, cookies={"c": COOKIE})
    exchange = Exchange(provider, request)
    action = exchange.next_action(0.0)
    assert isinstance(action, Send)
    for thing in (provider, request, exchange, action, action.request, exchange.timeouts, exchange.retry):
        assert not found(f"{thing!r} {thing}")
    assert KEY in str(action.request.headers)


@pytest.mark.parametrize("verbose", ["", "-v", "-vv"])
@pytest.mark.parametrize("asyncio", ["", "--async"])
def test_the_command_line_tells_nothing(
    verbose: str, asyncio: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    logger = logging.getLogger("transports")
    before = logger.handlers[:], logger.level
    proxy = f"http://user:{PROXY_WORD}@127.0.0.1:{closed_port()}"
    try:
        with Server(echo(401), b"") as server:
            url = f"http://127.0.0.1:{server.port}"
            words = [word for word in (verbose, asyncio) if word]
            assert main(["ask", "-p", "openai", "-m", "m", "--base-url", url, *words, "Hi"]) == 5
            through = ["--proxy", proxy, "--retry", "1"]
            assert main(["ask", "-p", "openai", "-m", "m", "--base-url", url, *through, *words, "Hi"]) == 3
            assert main(["ask", "-p", "openai", "-m", "m", "--base-url", f"http://u:{QUERY}@127.0.0.1", "Hi"]) == 2
            assert main(["ask", "-p", "openai", "-m", "m", "--base-url", f"{url}?key={QUERY}", "Hi"]) == 2
            assert KEY in server.requests[0][1].decode()
    finally:
        logger.handlers, logger.level = before
        logger.setLevel(before[1])
    said = "".join(capfd.readouterr())
    assert "401" in said
    assert not found(said)


def test_a_plain_answer_on_a_tls_port_gets_no_key(seat: Seat) -> None:
    with on_tls_port(plain)() as world:
        client = seat.client("openai", api_key=KEY, base_url=world.base_url, model="m", retry=1, **world.settings)
        outcome = Outcome(seat, client)
        assert outcome.error is not None
        assert world.server is not None
        assert world.server.requests == []


@pytest.mark.parametrize("status", [200, 400])
def test_a_request_id_may_be_an_echo(seat: Seat, status: int, caplog: pytest.LogCaptureFixture) -> None:
    """A proxy that names requests by what was sent with them: neither the log nor the reply says the key."""
    key = "sk-planted-0123456789"

    def names_it(peer: Peer) -> None:
        given = peer.fields["authorization"].rpartition(" ")[2]
        body = sse("Hello") if status == 200 else b"no"
        peer.send(sized(body, status, x_request_id=f"for-{given}-1"))

    caplog.set_level(logging.DEBUG, "transports")
    with Server(names_it, b"") as server:
        client = seat.client("openai", base_url=f"http://127.0.0.1:{server.port}", api_key=key, retry=1)
        outcome = Outcome(seat, client)
        seat.close_client(client)
    assert outcome.reply.request_id == "for-[hidden]-1"
    assert (outcome.error is None) == (status == 200)
    assert key not in caplog.text + str(outcome.error) + repr(vars(outcome.error or Exception()))


@pytest.mark.parametrize("environment", [False, True])
def test_an_origin_that_echoes_what_the_proxy_was_told(
    seat: Seat, environment: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some forwarding proxies pass Proxy-Authorization on."""
    caplog.set_level(logging.DEBUG)

    with Server(echo(401), b"") as server:
        url = f"http://user:{PROXY_WORD}@127.0.0.1:{server.port}"
        if environment:
            monkeypatch.setenv("HTTP_PROXY", url)
        settings: dict[str, Any] = {} if environment else {"proxy": url}
        client = seat.client("acytoo", base_url="http://chat.example", retry=1, **settings)
        error = Outcome(seat, client).error
        seat.close_client(client)
    assert "Proxy-Authorization" in str(error)
    for thing in everything(error):
        assert not found(f"{thing!r} {thing}")
    assert not found(caplog.text)
