"""Tapes: streams that were recorded once, to be played anywhere. Pure: bytes in, bytes out; the time comes in as `now`.

In reading order:

model       Tape, Take and its steps: what was sent, what came, and when
errors      BrokenTape, UnsafeTape, UnmatchedRequest
format      a tape as text: each of its lines; reading it, as `Tape.loads` does
writing     a take as that text
frames      the parts of a body in which a text may stand whole: its fields, over all frames
alike       the same parts of a stream whose frames are alike, without places: many times as fast
views       a text without its escapes, and where in the body what was found in it stands
keys        what looks like a key
blots       secrets found in any form, and blotted at the same length
redact      a take without secrets, by these; what still looks like a key is refused
recording   Recording: what one exchange sends and receives, as takes
compare     whether a request asks what a taped one asked
match       Deck: the takes of a tape, and which of them answers a request
play        Reel: one take while it is played; `play`, which plays a tape to an exchange
questions   the questions of a tape, as exchanges that ask them again

    for event in play(Tape.loads(data), Exchange(providers.create("openai", api_key="any"), ChatRequest("Hello"))):
        ...
"""

from __future__ import annotations

from .errors import BrokenTape, Difference, UnmatchedRequest, UnsafeTape
from .match import Deck
from .model import End, Head, Mark, Piece, Step, Take, Tape
from .play import Reel, play
from .questions import questions
from .recording import Recording

__all__ = [
    "BrokenTape",
    "Deck",
    "Difference",
    "End",
    "Head",
    "Mark",
    "Piece",
    "Recording",
    "Reel",
    "Step",
    "Take",
    "Tape",
    "UnmatchedRequest",
    "UnsafeTape",
    "play",
    "questions",
]
