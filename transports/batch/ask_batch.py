"""AskBatch: prompts asked in the workers of another engine, Ray Data, Dask or Spark: a table in, a table out.

It imports none of them.
"""

from __future__ import annotations

import os
import threading
from asyncio import CancelledError
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import finalize

from sansio_core import ClientClosed, InvalidRequest, UsageReport
from sansio_core.errors import safe_repr
from sansio_core.plain import json_text

from .answer import Answer
from .loop_thread import LoopThread
from .maps import Mapper
from .settings import Setup
from .supply import NONE_YET
from .tables import Table
from .template import Template

if TYPE_CHECKING:
    from typing import Unpack

    from sansio_core import ProviderName
    from sansio_core.providers import Provider

    from .typed import ClientSettings

_COLUMNS = {
    "": "string", "_error": "string", "_finish_reason": "string", "_input_tokens": "int64", "_output_tokens": "int64",
    "_seconds": "float64", "_tries": "int64", "_more": "string",
}  # fmt: skip
"""The columns that are added: what follows `output` in their names, and their types."""
_MORE = ("reasoning", "refusal", "tool_calls", "other_texts")


class AskBatch:
    """A function of a table that returns it with answers: for `map_batches`, `map_partitions` and `mapInPandas`.

    A table is a pyarrow Table or RecordBatch, a pandas DataFrame, or a mapping of names to columns. `column`: the name
    of the column of the prompts: texts, lists of messages, or mappings as `map_prompts` takes them. With `template`, as
    "Summarise: {text}", the prompts are made of the columns that it names. Columns are added: `output` has the texts,
    null where a row failed; and, after its name, `_error` (null, or the class and the message), `_finish_reason`,
    `_input_tokens`, `_output_tokens`, `_seconds` and `_tries` of the last request, and `_more` (JSON: the reasoning,
    the refusal, the tool calls, and the `text` so far of a row that failed, where there are any).

    A row that fails is a row with an error. An error that every row would share (a wrong key, a used-up quota, an
    unknown host) is raised, so that the job ends. `concurrency`, `rate` (requests a second) and `max_wait` (seconds)
    bound each object by itself: it has one client, and keeps its pace from table to table. Several threads may call it
    at once: the rows of one table then fill the gaps at the end of another.

    Only the settings are pickled. No key is: `api_key_env` is the name of the environment variable that the worker
    reads it from (else the provider's own), or `api_key` is a function, which is called there. `settings`: those of
    AsyncClient, and options; what they hold, as `headers`, is pickled. Raises InvalidRequest at once for settings of
    no use.
    """

    def __init__(
        self,
        provider: ProviderName | str | Provider,
        *,
        column: str = "prompt",
        output: str = "answer",
        template: str | None = None,
        system: str | None = None,
        concurrency: int = 32,
        rate: float | None = None,
        max_wait: float = 3600.0,
        api_key_env: str | None = None,
        **settings: Unpack[ClientSettings],
    ) -> None:
        for name, value in (("column", column), ("output", output)):
            if not (isinstance(value, str) and value):
                raise InvalidRequest(f"{name} must be the name of a column, not {safe_repr(value)}")
        _check_no_key(provider, api_key_env, settings)
        self.column, self.output, self.template = column, output, template
        self._inputs = [column] if template is None else sorted(filter(None, Template(template).fields))
        self._provider, self._api_key_env = provider, api_key_env
        self._setup = Setup(AskBatch, provider, settings, concurrency, rate, max_wait, system, template)
        # The machine of the workers may have the key alone: any stands for it where the settings are checked.
        self._setup.client(**{"api_key": str} if isinstance(provider, str) else {})
        self._given: dict[str, Any] = {
            "column": column, "output": output, "template": template, "system": system, "concurrency": concurrency,
            "rate": rate, "max_wait": max_wait, "api_key_env": api_key_env, **settings,
        }  # fmt: skip
        self._engine: _Engine | None = None
        self._closing: finalize[Any, Any] | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), self._provider, **self._given), ()

    def __repr__(self) -> str:
        return f"<AskBatch of {self._provider!r}: {', '.join(self._inputs)} -> {self.output}>"

    def __call__(self, batch: Any) -> Any:
        """`batch` with its answers. Raises ChatError where all rows would fail alike; then no row has an answer.

        Raises InvalidRequest for a table without the columns that are needed, or with one that would be added.
        """
        table = Table(batch)
        table.check(self._inputs, [self.output + name for name in _COLUMNS])
        prompts = self._prompts(table)
        records = [_record(answer) for answer in self._running().ask(prompts)] if prompts else []
        return table.extended(
            {self.output + name: ([record[name] for record in records], kind) for name, kind in _COLUMNS.items()}
        )

    def _prompts(self, table: Table) -> list[Any]:
        columns = [table.values(name) for name in self._inputs]
        if self.template is None:
            return columns[0]
        return [dict(zip(self._inputs, values, strict=True)) for values in zip(*columns, strict=True)]

    def close(self) -> None:
        """Cancel what is in flight, and close the connections; they are opened anew when the object is called again."""
        with self._lock:
            closing, self._engine, self._closing = self._closing, None, None
        if closing is not None:
            closing()

    def __enter__(self) -> AskBatch:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _running(self) -> _Engine:
        """The engine of this process: after a fork, the one that was inherited is the parent's."""
        with self._lock:
            if self._engine is None or self._engine.process != os.getpid() or self._engine.failure is not None:
                key = {} if self._api_key_env is None else {"api_key": _key_in(self._api_key_env)}
                mapper = Mapper(self._setup, self._setup.client(**key), patience=0)
                if self._closing is not None:
                    self._closing.detach()
                self._engine = _Engine(mapper)
                self._closing = finalize(self, self._engine.close)  # also when the interpreter ends
            return self._engine


def _check_no_key(provider: object, api_key_env: str | None, settings: Mapping[str, Any]) -> None:
    """Raises InvalidRequest where a key would be pickled."""
    given = settings.get("api_key")
    if api_key_env is not None:
        if not (isinstance(api_key_env, str) and api_key_env):
            raise InvalidRequest("api_key_env must be the name of an environment variable")
        if given is not None:
            raise InvalidRequest("give only one of api_key= and api_key_env=")
        if not isinstance(provider, str):
            raise InvalidRequest("the provider is an object already: give it by its name beside api_key_env=")
    where = "api_key=" if given is not None else "the provider's own api_key"
    key = given if given is not None else getattr(provider, "api_key", None)
    if key is not None and not callable(key):
        raise InvalidRequest(
            f"{where} would be pickled, and could be read in the workers' store and logs: give api_key_env='NAME', the "
            "name of an environment variable of the workers, or a function as api_key=, which is called there"
        )


def _key_in(variable: str) -> str:
    key = os.environ.get(variable)
    if not key:
        raise InvalidRequest(
            f"the environment variable {variable} is not set in this worker: set it on every machine, before the "
            "workers start"
        )
    return key


# --- rows ------------------------------------------------------------------------------------------------------------


def _record(answer: Answer) -> dict[str, Any]:
    """The value of each column for a row."""
    line, usage, error = answer.to_line(), answer.reply.usage or UsageReport(), answer.error
    more = {name: line[name] for name in _MORE if name in line}
    if error is not None and line["text"]:  # not as an answer: who takes the column for the answers would not see it
        more["text"] = line["text"]
    # The number in the message is of no use: it counts all rows that the worker has asked.
    said = None if error is None else str(error).removeprefix(f"prompt {answer.row}: ")
    return {
        "": line["text"] if error is None else None,
        "_error": None if error is None else f"{type(error).__name__}: {said}",
        "_finish_reason": line.get("finish_reason"),
        "_input_tokens": usage.input,
        "_output_tokens": usage.output,
        "_seconds": answer.seconds,
        "_tries": answer.tries,
        "_more": json_text(more) if more else None,
    }


# --- the rows of all tables, asked ------------------------------------------------------------------------------------


class _Call:
    """The answers to one table, by the numbers of their rows, as they come."""

    def __init__(self, rows: int) -> None:
        self.answers: dict[int, Answer] = {}
        self.rows = rows
        self.done = threading.Event()

    def take(self, answer: Answer) -> None:
        self.answers[answer.row] = answer
        if len(self.answers) == self.rows:
            self.done.set()


class _Engine:
    """A thread that asks the prompts of all calls, until an error stops the asking."""

    def __init__(self, mapper: Mapper) -> None:
        self.process = os.getpid()
        self.failure: BaseException | None = None
        self._mapper = mapper
        self._prompts: deque[Any] = deque()
        self._given = 0  # how many prompts there were so far
        self._calls: dict[int, _Call] = {}  # of the prompts that have no answer yet, by their numbers
        self._lock = threading.Lock()
        self._thread = LoopThread(self._ask(), "AskBatch", self._ended)

    def ask(self, prompts: Sequence[Any]) -> list[Answer]:
        """The answers to `prompts`, in their order. Raises what ended the asking."""
        call = _Call(len(prompts))
        with self._lock:
            if self.failure is not None:
                raise self.failure
            numbers = range(self._given + 1, self._given + len(prompts) + 1)
            self._given += len(prompts)
            self._calls |= dict.fromkeys(numbers, call)
            self._prompts += prompts
        try:
            self._thread.call(self._mapper.asking.wake)  # if the thread has ended meanwhile, so has this call
            call.done.wait()
        except BaseException:  # Ctrl-C
            self.close()
            raise
        if len(call.answers) < call.rows:
            assert self.failure is not None
            raise self.failure
        return [call.answers[number] for number in numbers]

    def close(self) -> None:
        """End the thread, and what is in flight."""
        self._thread.close()

    async def _ask(self) -> None:
        async with aclosing(self._mapper.answers(self._waiting())) as answers:
            async for answer in answers:
                self._calls.pop(answer.row).take(answer)

    def _waiting(self) -> Iterator[Any]:
        while True:
            yield self._prompts.popleft() if self._prompts else NONE_YET

    def _ended(self, failure: BaseException | None) -> None:
        """In the thread, at its end: the calls that wait end too."""
        with self._lock:
            self.failure = ClientClosed() if failure is None or isinstance(failure, CancelledError) else failure
            for call in self._calls.values():
                call.done.set()
