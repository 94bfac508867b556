"""What a tape is made of: steps in their order, errors that come back as they were, reprs without contents."""

from __future__ import annotations

import pickle

import pytest
from every_error import ERRORS, made

from sansio_core import ChatError, ConnectFailed, ConnectionLost, ProxyFailed
from sansio_core.tape import BrokenTape, End, Head, Mark, Piece, Step, Take, Tape


@pytest.mark.parametrize(
    "steps",
    [
        (), (Head(0, 200),), (End(0), End(0)), (Piece(0, b"x"), End(0)), (Head(0, 200), Head(0, 200), End(0)),
        (Head(0, 200), Mark(0, "connected"), End(0)), (End(0), Head(0, 200)),
    ],
)  # fmt: skip
def test_the_steps_of_a_take_have_their_order(steps: tuple[Step, ...]) -> None:
    with pytest.raises(ValueError, match="any number of Marks, at most one Head with its Pieces, and one End"):
        Take("GET", "http://h/", steps=steps)


def test_an_empty_piece_is_refused() -> None:
    with pytest.raises(ValueError, match="the end of the body is an End"):
        Piece(0.0, b"")


# --- errors ----------------------------------------------------------------------------------------------------------

def through_a_file(error: ChatError) -> ChatError:
    tape = Tape((Take("GET", "http://h/", steps=(End.of(0.25, error),)),))
    again = Tape.loads(tape.dumps())
    assert again == tape
    back = again.takes[0].end.error
    assert back is not None
    return back


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_comes_back(kind: type[ChatError]) -> None:
    error = made(kind, hint="")
    back = through_a_file(error)
    assert type(back) is kind
    assert vars(back) == vars(error)
    assert str(back) == str(error)
    error.hint = "try … that"
    assert str(through_a_file(error)) == str(error)


class Gone(ConnectionLost):
    """An error of a user's own transport."""

    def __init__(self, detail: str = "", where: object = None) -> None:
        super().__init__(detail)
        self.where = where


class Own(ChatError):
    what = "my own"


def test_an_error_of_a_users_own_comes_back_as_its_nearest_base() -> None:
    back = through_a_file(Gone("the tunnel fell in", where=object()))
    assert type(back) is ConnectionLost
    assert str(back) == "the tunnel fell in"
    back = through_a_file(Own())
    assert (type(back), str(back)) == (ChatError, "my own")


def test_what_json_lacks_is_written_as_well_as_it_can_be() -> None:
    error = ProxyFailed("half a pair \ud83d, an escape \x1b[0m, a line\nend, \x85")
    assert str(through_a_file(error)) == str(error)
    odd = ConnectFailed("why")
    vars(odd)["took"] = float("nan")
    assert vars(through_a_file(odd))["took"] is None
    with pytest.raises(ValueError, match="must be plain JSON values"):
        End(0, "ConnectFailed", {"took": float("nan")})
    with pytest.raises(ValueError, match="must be plain JSON values"):
        End(0, "ConnectFailed", {"took": (1, 2)})


def test_each_play_has_its_own_error() -> None:
    end = End.of(0, ConnectionLost("why"))
    assert end.error is not end.error


# --- for a log -------------------------------------------------------------------------------------------------------


def test_a_repr_has_sizes_and_no_contents() -> None:
    steps = (Head(0.1, 200, (("x-key", "secret"),)), Piece(0.2, b"secret"), End.of(0.3, ConnectionLost("secret")))
    take = Take("POST", "https://h/v1?key=secret", headers=(("x-key", "secret"),), body=b"secret", steps=steps)
    assert repr(take) == (
        "Take('POST', 'https://h/v1?key=[hidden]', body=<6 bytes>, status=200, answer=<6 bytes in 1 pieces>, "
        "end='ConnectionLost')"
    )
    assert repr(Tape((take, take))) == "Tape(<2 takes>)"
    assert [repr(step) for step in steps] == [
        "Head(after=0.1, status=200, headers=<1 fields>)",
        "Piece(after=0.2, data=<6 bytes>)",
        "End(after=0.3, what='ConnectionLost', attributes=<detail, reused>)",
    ]
    assert repr(Take("GET", "http://[h")) == (
        "Take('GET', '[hidden]', body=<0 bytes>, status=None, answer=<0 bytes in 0 pieces>, end='end')"
    )


def test_what_a_take_knows() -> None:
    steps = (Mark(0.5, "connected"), Head(0.25, 200), Piece(0.25, b"ab"), Piece(0.25, b"c"), End(0.25))
    take = Take("POST", "https://h/v1/chat", "https://h/v1", steps=steps)
    assert (take.target, take.seconds, take.answer) == ("/chat", 1.5, b"abc")
    assert take.head is steps[1]
    assert take.end is steps[-1]
    assert Take("GET", "https://h/").head is None


def test_the_error_tells_the_file_where_that_is_known() -> None:
    error = BrokenTape(7, "expected more")
    error.path = "tests/hello.tape"
    twin = pickle.loads(pickle.dumps(error))
    assert str(twin) == str(error) == "tests/hello.tape, line 7: expected more"
    assert isinstance(error, ValueError)


EVENTS = {
    "openai": b'data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n',
    "anthropic": b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    b'{"type":"text_delta","text":"Hel"}}\n\n',
    "openai_responses": b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
    b'"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hel"}\n\n',
    "gemini": b'data: {"candidates":[{"content":{"parts":[{"text":"Hel"}],"role":"model"},"index":0}]}\r\n\r\n',
    "ollama": b'{"model":"m","created_at":"2026-01-01T00:00:00.0Z","message":{"role":"assistant","content":"Hel"},'
    b'"done":false}\n',
}


@pytest.mark.parametrize("wire", EVENTS)
def test_a_tape_is_little_larger_than_the_answer(wire: str) -> None:
    steps = (Head(0.412, 200), *[Piece(0.009, EVENTS[wire])] * 100, End(0.021))
    take = Take("POST", "https://api.example.com/v1/chat", steps=steps)
    assert len(Tape((take,)).dumps()) <= 1.25 * len(take.answer)
