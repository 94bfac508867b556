"""Batch: a file of prompts to a file of answers, which is the journal too."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import repeat
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, get_args

from sansio_core import ChatError, InvalidRequest
from sansio_core.errors import safe_repr
from sansio_core.http_request import origin
from sansio_core.options import types_out

from .._shared.ways import PathLike
from .answer import Answer
from .journal import Journal
from .settings import Setup
from .supply import NONE_YET, Supply

if TYPE_CHECKING:
    from typing import Unpack

    from sansio_core import ProviderName
    from sansio_core.providers import Provider

    from ..aio import AsyncClient
    from .asking import Asking
    from .rows import Row
    from .typed import ClientSettings

Order = Literal["done", "input"]

GRACE = 10.0  # seconds in which what is in flight may end, after Ctrl-C or SIGTERM
_TICK = 1.0  # seconds between two reports of the progress while no row ends
_SKIPPED = 1000  # rows that are passed over at a stretch: then the event loop serves what is in flight


@dataclass(slots=True)
class Summary:
    """How a run went, or goes: counts of rows, tokens, seconds.

    `rows` were done in this run: `answered`, or `failed`. `errors` counts the failed ones by class, and `first_failed`
    is the first of them. `skipped` rows were done before. `refused` counts requests that the server refused as there
    were too many; their rows were asked again. `stopped` is the error that ended the run before its end, as a wrong
    key; `interrupted`: Ctrl-C, SIGTERM or `stop` ended it. The rows that are open then are asked when the same run is
    begun again.
    """

    rows: int = 0
    answered: int = 0
    failed: int = 0
    skipped: int = 0
    answered_before: int = 0
    """How many rows of the output have an answer as the run begins."""
    failed_before: int = 0
    """How many of those `skipped` have an error."""
    refused: int = 0
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    first_failed: Answer | None = None
    stopped: ChatError | None = None
    interrupted: bool = False
    in_flight: int = 0
    """How many rows are asked at the moment; `window`: how many may be, at once."""
    window: int = 0
    held: float = 0.0
    """For how many seconds from now nothing is sent, as the server asked for it, or is away."""
    ordering: bool = False
    """Whether the rows are done, and are being put into the order of the input."""
    away: ChatError | None = None
    """Why the server cannot be reached at the moment, though it has answered before."""


Progress = Callable[[Summary], object]


class Batch:
    """Asks each line of the file `input`; the answers go to the file `output`, a line each, as soon as they are whole.

    The output is the journal as well: whatever ended a run, the same Batch goes on where it was. `input`: "-" is
    standard input. `template`, `system`, `concurrency`, `rate`, `max_wait`, `settings`: as for `map_prompts`. `order`:
    "input" puts the rows into the order of the input once all are done. `retry_failed`: rows that have an error in the
    output are asked again. `fresh`: begins anew. `keep`: fields of the input that are copied into the output. `report`:
    the path of an HTML page, written at the end. `progress`: a function that is called with the Summary after each row,
    and each second.

    Raises InvalidRequest at once for parameters of no use.
    """

    def __init__(
        self,
        input: PathLike,
        output: PathLike,
        provider: ProviderName | str | Provider,
        *,
        template: str | None = None,
        concurrency: int = 64,
        rate: float | None = None,
        order: Order = "done",
        retry_failed: bool = False,
        max_wait: float = 3600.0,
        fresh: bool = False,
        keep: Sequence[str] = (),
        system: str | None = None,
        report: PathLike | None = None,
        progress: Progress | None = None,
        **settings: Unpack[ClientSettings],
    ) -> None:
        if order not in get_args(Order):
            raise InvalidRequest(f"order must be 'done' or 'input', not {safe_repr(order)}")
        if progress is not None and not callable(progress):
            raise InvalidRequest(f"progress must be a function, not {safe_repr(progress)}")
        _check_paths(input=input, output=output, **({} if report is None else {"report": report}))
        _check_files(input, output, report)
        self._input, self._output, self._report = input, output, report
        self._order, self._retry_failed, self._fresh = order, retry_failed, fresh
        self._progress = progress
        self._setup = Setup(Batch, provider, settings, concurrency, rate, max_wait, system, template, keep)
        self._setup.client()  # raises for settings of no use
        self._running: _Running | None = None
        self.summary = Summary()

    def run(self) -> Summary:
        """Ask every row that has no answer yet; returns when all are done, or something has ended the run: see Summary.

        Ctrl-C or SIGTERM: no more rows are asked, those in flight may end, for 10 seconds; a second one cancels them.
        Raises InvalidRequest, before anything is sent, for an input or output of no use; and OSError, as of a full
        disk: what is written stays, and the same run goes on from there.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.arun())
        # A notebook's thread has a loop, which cannot be entered a second time.
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(copy_context().run, asyncio.run, self.arun())
            while True:
                try:
                    return running.result()
                except KeyboardInterrupt:
                    self.stop()

    def stop(self) -> None:
        """Ask no more rows; those in flight have 10 seconds to end; a second call cancels them. Any thread may call."""
        if self._running is not None:
            self._running.call(self._running.stop)

    async def arun(self) -> Summary:
        """As `run`, in the running event loop. To be cancelled at any time: what is written stays."""
        self.summary = summary = Summary()
        async with self._setup.client() as client:
            digest = self._digest(client)
            asking = self._setup.asking(client)
            self._running = running = _Running(asking, summary, self._progress)
            keys = array("Q") if self._order == "input" else None
            with (
                self._read(client, lambda: running.call(asking.wake)) as rows,
                Journal(self._output, digest, fresh=self._fresh, retry_failed=self._retry_failed) as journal,
            ):
                summary.answered_before, summary.window = journal.history.answered, asking.pacing.window
                with running.signals(), running.ticking():
                    open_rows = self._open_rows(rows, journal, keys, asking.wake)
                    async with aclosing(asking.answers(open_rows)) as answers:
                        async for answer in answers:
                            journal.write(answer.to_line(digest))
                            running.count(answer)
                summary.stopped = asking.stopped
                running.tell()
                if not (summary.stopped or summary.interrupted):
                    journal.begin_anew()
                    if keys is not None:
                        summary.ordering = True
                        journal.in_order(keys)
        if self._report is not None:
            from .report import write_report

            write_report(self._output, self._report)
        return summary

    @contextmanager
    def _read(self, client: AsyncClient, wake: Callable[[], object]) -> Iterator[Iterator[Any]]:
        """The rows of the input; NONE_YET where a pipe has none at present, and then `wake` is called once it has."""
        reader = self._setup.reader(client)
        read = partial(reader.rows, check=lambda row: client.stream(**row.question).close())
        if self._input != "-" and stat.S_ISREG(os.stat(self._input).st_mode):
            with open(self._input, "rb") as lines:
                yield read(lines)
            return

        def piped() -> Iterator[Row]:
            if self._input == "-":
                yield from read(_standard_input())
            else:
                with open(self._input, "rb") as pipe:
                    yield from read(pipe)

        # A pipe may wait, for who opens it too, and must not hold up the answers meanwhile, nor the end.
        supply = Supply(self._setup.concurrency, wake)
        supply.take_in_thread(piped(), "batch-input")
        try:
            yield supply
        finally:
            supply.close()

    def _digest(self, client: AsyncClient) -> str:
        """The digest of what an answer depends on besides its row: another one means another run."""
        options = dict(client.options)
        types_out(options)
        provider = client.provider
        elsewhere = origin(provider.base_url) != origin(provider.info.url)  # an emulator's answers are not the vendor's
        said = [provider.info.name, elsewhere, provider.model, self._setup.template, self._setup.system, options]
        return blake2b(json.dumps(said, sort_keys=True, default=_named).encode(), digest_size=4).hexdigest()

    def _open_rows(
        self, rows: Iterable[Any], journal: Journal, keys: array[int] | None, wake: Callable[[], object]
    ) -> Iterator[Row | None]:
        """The rows that are to be asked; a None now and then while many are passed over.

        `keys` gets those of the input's lines, 0 for a blank one.
        """
        summary, history = self.summary, journal.history
        for row in rows:
            if row is NONE_YET:
                yield None
                continue
            if keys is not None:
                keys.extend(repeat(0, row.number - 1 - len(keys)))  # blank lines
                keys.append(row.digest)
            if (state := history.state(row.digest)) == "done":
                summary.skipped += 1
                summary.failed_before = history.failed_before
                if summary.skipped % _SKIPPED == 0:
                    asyncio.get_running_loop().call_soon(wake)
                    yield None
                continue
            row.again = state == "again"
            yield row


class _Running:
    """A run in its event loop: reports its progress, and can be stopped."""

    def __init__(self, asking: Asking, summary: Summary, progress: Progress | None) -> None:
        self._asking, self._summary, self._progress = asking, summary, progress
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    def call(self, function: Callable[[], object]) -> None:
        """Call `function` in the run's loop. Any thread may call this."""
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(function)

    def count(self, answer: Answer) -> None:
        """Count an answer in the Summary, and call `progress`."""
        summary = self._summary
        summary.rows += 1
        if answer.error is None:
            summary.answered += 1
        else:
            summary.failed += 1
            summary.first_failed = summary.first_failed or answer
            summary.errors[type(answer.error).__name__] += 1
        if (usage := answer.reply.usage) is not None:
            summary.input_tokens += usage.input or 0
            summary.output_tokens += usage.output or 0
        self.tell()

    def tell(self) -> None:
        """Bring the Summary up to date, and call `progress`."""
        summary, pacing, now = self._summary, self._asking.pacing, self._loop.time()
        summary.seconds, summary.refused = now - self._began, self._asking.refused
        summary.in_flight, summary.window, summary.away = pacing.in_flight, pacing.window, self._asking.away
        summary.held = max(0.0, pacing.hold - now)
        if self._progress is not None:
            self._progress(summary)

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Reports the progress each second inside the `with`."""

        async def tick() -> None:
            while True:
                await asyncio.sleep(_TICK)
                self.tell()

        task = self._loop.create_task(tick())
        try:
            yield
        finally:
            task.cancel()

    def stop(self) -> None:
        """Ask no more rows; those in flight have 10 seconds to end. A second call cancels them."""
        if self._summary.interrupted:
            self._asking.cancel()
            return
        self._summary.interrupted = True
        self._asking.drain()
        self._loop.call_later(GRACE, self._asking.cancel)

    @contextmanager
    def signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM call `stop` inside the `with`; only the main thread can have them do so."""
        before = {}
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError, ValueError):
                handler = signal.getsignal(number)
                self._loop.add_signal_handler(number, self.stop)
                before[number] = handler
        try:
            yield
        finally:
            for number, handler in before.items():
                self._loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: of no Python code


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise InvalidRequest("standard input is closed: name a file")
    try:
        # Not sys.stdin's own buffer: Python waits for that at its end, where a thread may still read it.
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except (AttributeError, OSError, ValueError):  # it is no file of the system
        return sys.stdin.buffer


def _check_paths(**paths: object) -> None:
    """Raises InvalidRequest for what is no path."""
    for name, path in paths.items():
        if not isinstance(path, (str, os.PathLike)):
            values = "; map_prompts takes the prompts themselves" if name == "input" else ""
            raise InvalidRequest(f"{name} must be the path of a file, not {safe_repr(path)}{values}")


def _check_files(input: PathLike, output: PathLike, report: PathLike | None) -> None:
    """Raises InvalidRequest for files that cannot be read or written, before a run begins."""
    if input != "-":
        if not os.path.exists(input):
            raise InvalidRequest(f"there is no input {os.fspath(input)!r}")
        if os.path.isdir(input):
            raise InvalidRequest(f"the input {os.fspath(input)!r} is a folder: give a file of JSON lines")
        if os.path.exists(output) and os.path.samefile(input, output):
            raise InvalidRequest("the output is the input: give it another name")
    if os.fspath(output) == "-":
        raise InvalidRequest("the output must be a file, which a run that is resumed reads again")
    if not os.path.isdir(folder := os.path.dirname(os.path.realpath(output))):
        raise InvalidRequest(f"there is no folder {folder!r} for the output: make it first")
    if report is not None:
        from .report import check_place

        if os.path.realpath(report) == os.path.realpath(output):
            raise InvalidRequest("the report is the output: give it another name")
        check_place(report)


def _named(value: object) -> object:
    """A JSON value for one that is none, for the digest: the same in every process."""
    if isinstance(value, Mapping):
        return dict(value)
    return f"{type(value).__module__}.{type(value).__qualname__}"
