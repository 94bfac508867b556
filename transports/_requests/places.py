"""Places: how many connections a client may have to one origin, and who waits for one. `wire.py` asks here.

A place is had from before the request is sent until its answer's connection is given back: as that is kept before the
place is given up, whoever gets the place finds it, and idle and busy connections together are never more than the
places.
"""

from __future__ import annotations

import threading
from collections import deque

from ..http1.routes import Route
from .guard import Guard


class Place:
    """One stream's place on a route, had or waited for; `over` once it was given up."""

    __slots__ = ("guard", "over", "route")

    def __init__(self, route: Route, guard: Guard) -> None:
        self.route = route
        self.guard = guard
        self.over = False


_REMEMBERED = 64
"""Routes whose lanes are kept though nobody has a place on them: most clients ask one origin over and over."""


class _Lane:
    __slots__ = ("had", "waiting")

    def __init__(self) -> None:
        self.had: set[Place] = set()
        self.waiting: deque[Place] = deque()


class Places:
    """At most `most` places on each route (origin and proxy), given in the order in which they were asked for.

    A signal handler may raise anywhere (see `guard.py`): so `free` may be called again, and then makes up for what an
    earlier call left undone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lanes: dict[Route, _Lane] = {}
        self._lock = threading.RLock()

    def ask(self, place: Place) -> bool:
        """Whether `place` is had at once; if not, it is waited for, and `free` must be called in either case."""
        with self._lock:
            lane = self._lanes.get(place.route)
            if lane is None:
                lane = self._lanes[place.route] = _Lane()
            if len(lane.had) < self._most and not lane.waiting:
                lane.had.add(place)
                return True
            lane.waiting.append(place)
            return False

    def has(self, place: Place) -> bool:
        """Whether `place` is had by now. Its guard is woken when it is."""
        lane = self._lanes.get(place.route)
        return lane is not None and place in lane.had

    def free(self, place: Place) -> None:
        """Give `place` up, had or waited for: the next one has it."""
        with self._lock:
            lane = self._lanes.get(place.route)
            if lane is not None:
                lane.had.discard(place)
                if lane.waiting:
                    self._pass_on(lane, place)
                if not lane.had and len(self._lanes) > _REMEMBERED:
                    del self._lanes[place.route]
            place.over = True

    def _pass_on(self, lane: _Lane, place: Place) -> None:
        if place in lane.waiting:
            lane.waiting.remove(place)
        while lane.waiting and len(lane.had) < self._most:
            lane.had.add(lane.waiting[0])
            lane.waiting.popleft().guard.wake()

    def _forked(self) -> None:
        """In a forked process: all places are the parent's."""
        self._lock = threading.RLock()
        self._lanes = {}
