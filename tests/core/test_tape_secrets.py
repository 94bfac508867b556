"""Secrets where an auditor of public tapes would look for them: each of these tests is of one that was found."""

from __future__ import annotations

import json
import re
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from unicodedata import normalize

import pytest

from sansio_core import AuthenticationFailed, ChatRequest, Exchange, providers
from sansio_core.providers import JSONProvider, ProviderInfo
from sansio_core.redact import redact_url, secrets_of_fields, secrets_of_query
from sansio_core.states import Send
from sansio_core.tape import BrokenTape, Deck, End, Head, Piece, Recording, Take, Tape, UnmatchedRequest, UnsafeTape
from sansio_core.tape.compare import Asked
from sansio_core.tape.keys import keylike
from sansio_core.tape.redact import redacted

KEY = "gw-Secret_Value-77"
NAME = "Žiga Šuštar"
LONG = "Ab3dE5x9Kk2LmN8q"


def blotted(text: str, secrets: tuple[str, ...] = (), redact: Any = (), request: bytes = b"") -> str:
    """An answer as it is on a tape."""
    steps = (Head(0.1, 200), Piece(0.1, text.encode()), End(0.0))
    return redacted(Take("POST", "https://h/v1", body=request, steps=steps), secrets, redact).answer.decode()


# --- forms of a secret -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
@pytest.mark.parametrize("before", ["", ":", "me:", "user:", "Dear "])
def test_base64(encode: Any, before: str) -> None:
    for secrets, redact in (((f"Bearer {KEY}?>", f"{KEY}?>"), ()), ((), [f"{KEY}?>"])):
        text = encode(f"{before}{KEY}?>, hello.".encode()).decode()
        after = blotted(json.dumps({"data": f"data:text/plain;base64,{text}"}), secrets, redact)
        shown = json.loads(after)["data"].removeprefix("data:text/plain;base64,")
        assert len(shown) == len(text)
        assert re.search(r"[^*]{4}", shown[len(before) * 4 // 3 + 2 : len(f"{before}{KEY}") * 4 // 3]) is None


def test_a_short_text_is_not_looked_for_in_base64() -> None:
    text = b64encode(b"Ana Ana").decode()
    assert blotted(text, (), ["Ana"]) == text


def test_the_password_of_basic_credentials() -> None:
    value = "Basic " + b64encode(b"me:p\xc3\xa4ss:word").decode()
    assert "päss:word" in secrets_of_fields([("Authorization", value)], ())
    secrets_of_fields([("authorization", "Basic a")], ())  # no base64


def test_a_placeholder_is_no_secret() -> None:
    said = '{"done":true,"model":"test","text":"ollama"}'
    for key in ("true", "Test", "ollama"):
        assert blotted(said, (f"Bearer {key}", key)) == said


def test_a_key_in_the_body_of_a_request() -> None:
    secret = "4711-secret-enough"
    body = json.dumps({"api_key": secret, "auth": {"token": secret}, "key": "department_of_the_user", "n": "12"})
    done = redacted(Take("POST", "https://h/", body=body.encode()), (), ())
    assert json.loads(done.body) == {
        "api_key": "*" * 18, "auth": {"token": "*" * 18}, "key": "department_of_the_user", "n": "12"
    }  # fmt: skip
    assert blotted(f"bad key {secret}", request=body.encode()) == "bad key " + "*" * 18


class Own(JSONProvider):
    info = ProviderInfo("own", "https://own.example/ask")
    key_header = None

    def payload(self, request: ChatRequest, model: str | None) -> Mapping[str, Any]:
        return {"q": request.messages[0].text, "k": self.api_key}

    def parser(self, content_type: str = "", **limits: Any) -> Any:
        return providers.create("openai", api_key="any").parser(content_type)


def test_the_key_of_a_wire_that_has_it_in_the_body() -> None:
    exchange = Exchange(Own(api_key=KEY), ChatRequest("Hi"))
    recording = Recording(exchange)
    action = exchange.next_action(0.0)
    assert isinstance(action, Send)
    recording.sent(action.request, 0.0)
    recording.head(401, (), 0.1)
    exchange.receive_head(401, (), 0.1)
    for data in (f"bad key {KEY}".encode(), b""):
        recording.data(data, 0.2)
        exchange.receive_data(data, 0.2)
    with pytest.raises(AuthenticationFailed) as failed:
        exchange.next_action(0.2)
    assert KEY not in str(failed.value)
    take = recording.take(0.2)
    assert take is not None
    assert KEY.encode() not in Tape((take,)).dumps()

    deck = Deck(Tape((take,)))
    for key in (KEY, "another-key"):  # as long as it is one
        request = Exchange(Own(api_key=key), ChatRequest("Hi")).next_action(0.0)
        assert isinstance(request, Send)
        assert deck.left(request.request, Own(api_key=key)) == [0]
    with pytest.raises(UnmatchedRequest) as unmatched:
        deck.take(Exchange(Own(api_key=KEY), ChatRequest(KEY)).next_action(0.0).request, Own(api_key=KEY))  # type: ignore[union-attr]
    assert KEY not in str(unmatched.value)


# --- redact= ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["NFC", "NFD"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("blank", [" ", "  ", "\n", "\u00a0", "\r\n  "])
def test_a_name_in_any_normal_form_with_any_white_space(given: Any, form: Any, blank: str) -> None:
    name = normalize(form, NAME).replace(" ", blank)
    for text in (name, json.dumps(name), json.dumps(name, ensure_ascii=False), name.replace("\u00a0", "&nbsp;")):
        after = blotted(f"Hi {text}!", (), [normalize(given, NAME)])
        assert re.sub(r"[*\s\"]+", "*", after) == "Hi*!"


# --- what looks like a key -------------------------------------------------------------------------------------------


def test_keys_of_many_vendors() -> None:
    begin = [
        "sk-or-v1-", "sk-proj-", "AQ.", "ya29.", "GOCSPX-", "gsk_", "hf_", "api_org_", "tgp_v1_", "fw_", "csk-",
        "pplx-", "nvapi-", "r8_", "sk_", "lsv2_pt_", "pcsk_", "jina_", "tvly-", "tvly-dev-", "glpat-",
        "xoxb-1234-", "ABSK", "npm_", "pypi-", "dapi", "vck_", "sk_live_", "SG.", "ghs_",
        "-----BEGIN RSA PRIVATE KEY-----\n", "Basic bWU6",
    ]  # fmt: skip
    assert [each for each in begin if keylike(f"mine: {each}{LONG}.") is None] == []
    assert keylike("ASIAIOSFODNN7EXAMPLE") == "ASIA…"


def test_what_is_no_key_though_it_begins_like_one() -> None:
    texts = [
        "chatcmpl-AbCdEf1234567890abcdefGHIJ", "call_abc123DEF456ghi789JKL0mn", "fp_44709d6fcb",
        "sk-proj-XXXXXXXXXXXXXXXXXXXX", "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg", "desk-Ab3dE5x9Kk2LmN8q",
        "fw_update_v2_1_0_build_2024", "lin_api_reference_of_2024", "claude-sonnet-4-20250514",
        "sk_learn_pipeline_v2", "Basic authentication is described", "Basic internationalization",
        "-----BEGIN PRIVATE KEY-----\n...", "-----BEGIN PUBLIC KEY-----\nAb3dE5x9Kk2LmN8q",
    ]  # fmt: skip
    assert [each for each in texts if keylike(f"It is {each}.")] == []


@pytest.mark.parametrize(
    "text", ["-", "_", "sk-", "sk_a", "sk-aaaaaaaaaaaaaaaa.", "Basic AAAA", "eyJ.", "PRIVATE KEY-----\n"]
)  # fmt: skip
def test_what_looks_like_a_key_is_looked_for_in_linear_time(text: str) -> None:
    keylike(text * (100_000 // len(text)))
    keylike(text + "a" * 200_000)


def test_the_traceback_of_an_unsafe_tape_has_no_secret_in_it() -> None:
    unsafe = Take("POST", "https://h/", body=f"mine: sk-{LONG}".encode())
    with pytest.raises(UnsafeTape) as caught:
        redacted(unsafe, (KEY,), ())
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert shown.__context__ is None
    text = "".join(shown.format())
    assert KEY not in text
    assert LONG not in text.replace(repr(unsafe), "")
    assert "def redacted" not in text


# --- hostile tapes ---------------------------------------------------------------------------------------------------


def test_long_queries_and_forms_are_read_in_linear_time() -> None:
    long = "a" * 200_000
    assert redact_url(f"https://h/?{long}&=key=x&key=x") == f"https://h/?{long}&=key=[hidden]&key=[hidden]"
    assert secrets_of_query(f"{long}&key=1234") == {"1234"}
    form = (("content-type", "application/x-www-form-urlencoded"),)
    asked = Asked("POST", f"https://h/?{long}", "https://h", form, b"a=1&" * 100_000)
    assert len(asked.value["a"]) == 100_000


def test_of_many_fields_with_secrets_some_are_looked_for() -> None:
    body = json.dumps({f"{n}_key": f"value-{n:010d}" for n in range(5000)}).encode()
    cookies = tuple(("set-cookie", f"value-{n:020d}") for n in range(5000))
    done = redacted(Take("POST", "https://h/", body=body, steps=(Head(0.1, 200, cookies), End(0.0))), (), ())
    assert done.head is not None
    assert {value for _, value in done.head.headers} == {"[hidden]"}


def test_a_message_gives_a_terminal_no_commands() -> None:
    url, body = "https://own.example/ask", b'{"\\u001b[31m": 1, "q": "\\u009b2J"}'
    taped = Take("POST", url, url, body=body)
    asked = Exchange(Own(api_key=KEY), ChatRequest("Hi")).next_action(0.0)
    assert isinstance(asked, Send)
    with pytest.raises(UnmatchedRequest) as unmatched:
        Deck(Tape((taped,))).take(asked.request, Own(api_key=KEY))
    assert str(unmatched.value).replace("\n", "").isprintable()
    assert "�[31m" in str(unmatched.value)


def test_odd_attributes_of_an_error() -> None:
    with pytest.raises(ValueError, match="plain JSON values"):
        End(0.0, "ConnectionLost", {"detail": "x", "more": json.loads("[" * 500 + "]" * 500)})
    for odd in {"detail": "x", "": 1}, {"detail": "x", "in_band": KEY}:  # in_band is a property
        with pytest.raises(ValueError, match="no error has an attribute"):
            End(0.0, "ConnectionLost", odd)
    text = '# sansio-chat tape 1\n\n> GET https://h/\n! ConnectionLost +0 {"detail": "x", "more": %s%s}\n'
    with pytest.raises(BrokenTape, match="line 4"):
        Tape.loads(text % ("[" * 500, "]" * 500))
