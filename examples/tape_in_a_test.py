"""A test that asks a model once, over the network, and from then on its tape: streaming as it was, at no cost.

    pytest examples/tape_in_a_test.py                      # plays examples/tapes/…: no network, no key, milliseconds
    pytest examples/tape_in_a_test.py --tapes=record       # asks anew, with the key in OPENAI_API_KEY

Commit the tapes: keys and cookies are not on them.
"""

from transports import Client
from transports.pytest_plugin import ChatTape


def answer(question: str) -> str:
    """The code under test, which knows nothing of tapes."""
    with Client("openai", model="gpt-4o-mini") as client:
        return "".join(client.stream(question))


def test_answer(chat_tape: ChatTape) -> None:
    assert "Oslo" in answer("What is the capital of Norway?")
