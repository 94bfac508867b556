"""The rows of the matrix."""

from __future__ import annotations

from hostile_rows_answers import ANSWERS
from hostile_rows_bodies import BODIES
from hostile_rows_network import NETWORK

ROWS = [*NETWORK, *ANSWERS, *BODIES]
