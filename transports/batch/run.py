"""Batch: a file of prompts to a file of answers, which is the journal too."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from sansio_core import ChatError
from sansio_core.pacing import Pacing

from .._shared.ways import PathLike
from .asking import Asking
from .journal import Journal
from .rows import Row, read_rows

if TYPE_CHECKING:
    from sansio_core import ProviderName
    from sansio_core.providers import Provider

_GRACE = 10.0  # seconds in which what is in flight may end, after Ctrl-C or SIGTERM
_SKIPPED = 1000  # rows that are passed over without a look at what is in flight


@dataclass(slots=True)
class Summary:
    """How a run ended: counts of rows, tokens, seconds; `stopped`: the error that ended it before its end."""

    rows: int = 0
    answered: int = 0
    failed: int = 0
    skipped: int = 0
    refused: int = 0
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    stopped: ChatError | None = None
    interrupted: bool = False


class Batch:
    """A run over the lines of `input`, whose answers go to `output`."""

    def __init__(
        self,
        input: PathLike,
        output: PathLike,
        provider: ProviderName | str | Provider,
        *,
        template: str | None = None,
        concurrency: int = 64,
        rate: float | None = None,
        order: Literal["done", "input"] = "done",
        retry_failed: bool = False,
        max_wait: float = 3600.0,
        fresh: bool = False,
        keep: Sequence[str] = (),
        system: str | None = None,
        **settings: Any,
    ) -> None:
        self._input, self._output, self._provider = input, output, provider
        self._template, self._system, self._keep = template, system, keep
        self._concurrency, self._rate, self._max_wait = concurrency, rate, max_wait
        self._order, self._retry_failed, self._fresh = order, retry_failed, fresh
        self._settings = settings
        self.summary = Summary()

    def run(self) -> Summary:
        """Ask every row that has no answer yet."""
        return asyncio.run(self.arun())

    async def arun(self) -> Summary:
        """As `run`, in the running event loop."""
        from ..aio import AsyncClient

        began, summary = monotonic(), self.summary
        self._settings.setdefault("max_connections", self._concurrency)
        async with AsyncClient(self._provider, **self._settings) as client:
            digest = self._digest(client)
            with (
                open(self._input, "rb") as lines,
                Journal(self._output, digest, fresh=self._fresh, retry_failed=self._retry_failed) as journal,
            ):
                asking = Asking(client, Pacing(self._concurrency, rate=self._rate), max_wait=self._max_wait)
                rows = self._rows(read_rows(lines, template=self._template, keep=self._keep), journal, asking)
                with self._signals(asking):
                    async with aclosing(asking.answers(rows)) as answers:
                        async for answer in answers:
                            journal.write(answer.to_line(digest))
                            summary.rows += 1
                            summary.failed += answer.error is not None
                            summary.answered += answer.error is None
        summary.refused, summary.stopped, summary.seconds = asking.refused, asking.stopped, monotonic() - began
        return summary

    def _digest(self, client: Any) -> str:
        """The digest of what an answer depends on besides its row: another one means another run."""
        said = [client.provider.info.name, client.provider.model, self._template, self._system, dict(client.options)]
        return blake2b(json.dumps(said, sort_keys=True, default=repr).encode(), digest_size=4).hexdigest()

    def _rows(self, rows: Iterator[Row], journal: Journal, asking: Asking) -> Iterator[Row | None]:
        for row in rows:
            if (state := journal.state(row.key)) == "done":
                self.summary.skipped += 1
                if self.summary.skipped % _SKIPPED == 0:
                    asyncio.get_running_loop().call_soon(asking.wake)
                    yield None
                continue
            row.again = state == "again"
            if row.error is None and self._system is not None:
                row.question.setdefault("system", self._system)
            yield row

    @contextmanager
    def _signals(self, asking: Asking) -> Iterator[None]:
        """Meanwhile the first SIGINT or SIGTERM lets what is in flight end, and the second cancels it."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            if self.summary.interrupted:
                asking.cancel()
            self.summary.interrupted = True
            asking.drain()
            loop.call_later(_GRACE, asking.cancel)

        handled = []
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, stop)
                handled.append(number)
        try:
            yield
        finally:
            for number in handled:
                loop.remove_signal_handler(number)
