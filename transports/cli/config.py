"""The command's own settings, in a small TOML file: hosts by name, and who answers where -p is not given.

    [default]
    provider = "acme"
    model = "acme-large"

    [hosts.acme]
    url = "https://api.acme.example/v1"
    key = "ACME_API_KEY"   # the NAME of an environment variable: no key stands in this file
    model = "acme-small"
    wire = "openai"        # the provider whose wire it speaks; this one where there is no such line

The file is SANSIO_CHAT_CONFIG, or `sansio-chat/config.toml` in the user's folder for settings. It may be edited by
hand: what the command writes leaves every other line as it is, comments too. The library never reads it.
"""

from __future__ import annotations

import json
import os
import re
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from time import sleep
from typing import Any, TextIO

from sansio_core import InvalidRequest, providers
from sansio_core.errors import suggestion

from .exit import say
from .folders import user_folder

VARIABLE = "SANSIO_CHAT_CONFIG"
_KNOWN: dict[str, tuple[str, ...]] = {"default": ("provider", "model"), "hosts": ("url", "key", "model", "wire")}
"""The fields of `[default]`, and of each `[hosts.NAME]`: all are texts."""
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
"""A key that TOML takes without quotes: toml.io/en/v1.0.0#keys"""

_TRIES = 40  # for a file that another command is writing: two seconds

NO_KEY = "key must be the NAME of the environment variable that holds it, in capitals; a key itself is not kept here"

Table = tuple[str, ...]


def prepare(args: Namespace) -> None:
    """Register the file's hosts; where `args` leave open who answers, fill in the file's default.

    `args.config` is the file from then on; None for one that must not be read. Raises InvalidRequest, with the file and
    the line, for what it cannot use.
    """
    args.config = None
    try:
        args.config = config = Config()
    except PermissionError as error:
        if os.environ.get(VARIABLE):
            raise
        # The home may be another user's, as under `sudo -u` or in a service, and then nobody has asked for this file.
        say(f"warning: {error.filename}: {error.strerror}; going on without it")
        return
    for name in config.hosts:
        config.register(name)
    _fill_in(args, config)


def _fill_in(args: Namespace, config: Config) -> None:
    default = config.default
    where = vars(args)
    # With another URL or an emulator, the user has said who answers, and it may not have the default's model; and a
    # conversation goes on with whom it was begun.
    if not default or "base_url" not in where or any(map(where.get, ("base_url", "emulate", "go_on"))):
        return
    try:
        usual = providers.info(default["provider"]).name
    except InvalidRequest as error:
        raise config.wrong(("default",), "provider", str(error)) from None
    if args.provider is None:
        args.provider = usual
    if where.get("model") is None and providers.info(args.provider).name == usual:
        args.model = default.get("model")


class Config:
    """The file as it is: its text, and what it says; both are empty where there is none."""

    def __init__(self) -> None:
        named = os.environ.get(VARIABLE)
        folder = user_folder("settings")
        self.path = os.path.expanduser(named) if named else folder and os.path.join(folder, "config.toml")
        self._load()

    def _load(self) -> None:
        self.text = _read(self.path)
        self._said: dict[str, Any] = self._parsed() if self.text else {}
        self._check()

    @property
    def hosts(self) -> Mapping[str, Mapping[str, str]]:
        """The fields of each host, by its name."""
        hosts: Mapping[str, Mapping[str, str]] = self._said.get("hosts", {})
        return hosts

    @property
    def default(self) -> Mapping[str, str]:
        """`provider`, and perhaps `model`; empty where none is set."""
        default: Mapping[str, str] = self._said.get("default", {})
        return default

    def register(self, name: str) -> None:
        """Make the host called `name` a provider. Raises InvalidRequest."""
        fields = dict(self.hosts[name])
        try:
            providers.register_host(name, **fields)
        except InvalidRequest as error:
            raise self.wrong(("hosts", name), "", str(error)) from None

    def wrong(self, table: Table, field: str, what: str) -> InvalidRequest:
        """The error about `field` of `table` (about the table itself, if it has no such field)."""
        lines = self.text.splitlines()
        start, end = self._find(table) or (0, 0)
        found = [n for n in range(start + 1, end) if field and field in _parsed_line(lines[n])]
        line = f", line {(found or [start])[0] + 1}" if end else ""
        return InvalidRequest(f"{self.path}{line}: [{'.'.join(table)}] {what}")

    # --- writing -----------------------------------------------------------------------------------------------------

    def set(self, table: Table, fields: Mapping[str, str]) -> None:
        """Write those fields of a table and no others of it; none at all remove the table.

        Raises InvalidRequest for a file that is not written in a way that can be edited line by line.
        """
        if self.path is None:
            raise InvalidRequest(f"this user has no folder for settings: name a file with {VARIABLE}")
        if self._fields(table) == fields:
            return
        with _replacing(self.path) as file:
            before = self._fields(table)
            self._load()  # another command may have written meanwhile
            if self._fields(table) != before:
                raise InvalidRequest(f"{self.path}: [{'.'.join(table)}] was changed by another command: try again")
            text, said = self._edited(table, fields), deepcopy(self._said)
            inner = said
            for name in table[:-1]:
                inner = inner.setdefault(name, {})
            inner.pop(table[-1], None)
            inner |= {table[-1]: dict(fields)} if fields else {}
            # The proof that nothing else has changed: tables may also be written inline, or as dotted keys.
            import tomllib

            try:
                proven = _filled(tomllib.loads(text)) == _filled(said)
                file.write(text)
            except (tomllib.TOMLDecodeError, UnicodeEncodeError):
                proven = False
            if not proven:
                raise InvalidRequest(
                    f"{self.path}: [{'.'.join(table)}] is written in a way that needs a person: edit it"
                )
        self.text, self._said = text, said

    def _fields(self, table: Table) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._said
        for name in table:
            found = found.get(name, {})
        return found

    def _edited(self, table: Table, fields: Mapping[str, str]) -> str:
        lines = self.text.splitlines(keepends=True)
        new = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in fields.items()]
        place = self._find(table)
        if place is None:
            return self._text_before_a_table() + f"[{_header_of(table)}]\n" + "".join(new) if fields else self.text
        start, end = place
        if not fields:
            # With the empty line that the command wrote before the table.
            start -= bool(start and not lines[start - 1].strip())
            return "".join(lines[:start] + lines[end:]).lstrip("\n" if not start else "")
        known = _KNOWN[table[0]]
        kept = [line for line in lines[start + 1 : end] if not any(name in known for name in _parsed_line(line))]
        return "".join([*lines[: start + 1], *new, *kept, *lines[end:]])

    def _text_before_a_table(self) -> str:
        return self.text and self.text + ("" if self.text.endswith("\n") else "\n") + "\n"

    # --- reading -----------------------------------------------------------------------------------------------------

    def _parsed(self) -> dict[str, Any]:
        import tomllib  # measured: 7 ms, for those alone who have such a file

        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            # "Expected '=' after a key in a key/value pair (at line 3, column 5)", or "(at end of document)"
            what, _, where = str(error).partition(" (at ")
            line = re.match(r"line \d+", where)
            place = line[0] if line else "at its end"
            raise InvalidRequest(f"{self.path}, {place}: this is no TOML: {what}; edit it") from None

    def _check(self) -> None:
        """Raises InvalidRequest, with the line, for what is not known; no value is quoted, as it may be a key."""
        for name, value in self._said.items():
            if name not in _KNOWN or not isinstance(value, dict):
                near = suggestion(name, _KNOWN)
                raise InvalidRequest(
                    f"{self.path}, line {self._line_of(name)}: there is no setting of that name{near}; known are the "
                    "tables [default] and [hosts.NAME]"
                )
        for host, fields in self.hosts.items():
            if not isinstance(fields, dict):
                raise self.wrong(("hosts",), host, "takes tables alone: [hosts.NAME]")
            self._check_fields(("hosts", host), fields, "url")
        if self.default:
            self._check_fields(("default",), self.default, "provider")

    def _check_fields(self, table: Table, fields: Mapping[str, Any], needed: str) -> None:
        from sansio_core.providers.registering import is_variable  # here: nobody pays for it without such a file

        known = _KNOWN[table[0]]
        for name, value in fields.items():
            if name not in known:
                hint = '; a key is not kept here: key = "NAME", of the variable that holds it' if "key" in name else ""
                raise self.wrong(table, name, f"takes {', '.join(known)}, and no {name}{hint}")
            if not isinstance(value, str) or not value:
                raise self.wrong(table, name, f'{name} must be a text: {name} = "…"')
            if name == "key" and not is_variable(value):
                raise self.wrong(table, name, NO_KEY)
        if needed not in fields:
            raise self.wrong(table, "", f'lacks {needed} = "…"')

    def _find(self, table: Table) -> tuple[int, int] | None:
        """The lines of a table: its header's, and the one after its last; comments before the next table are that's."""
        lines = self.text.splitlines()
        headers = [(n, _header(line)) for n, line in enumerate(lines)]
        tables = [(n, path) for n, path in headers if path]
        for at, (start, path) in enumerate(tables):
            if path != table:
                continue
            if at + 1 == len(tables):
                return start, len(lines)
            end = tables[at + 1][0]
            while not _parsed_line(lines[end - 1]) and end - 1 > start:
                end -= 1
            return start, end
        return None

    def _line_of(self, name: str) -> int:
        for n, line in enumerate(self.text.splitlines(), 1):
            if (_header(line) or (None,))[0] == name or name in _parsed_line(line):
                return n
        return 1


def _read(path: str | None) -> str:
    if path is None:
        return ""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} is not UTF-8: save it as that") from None


@contextmanager
def _replacing(path: str) -> Iterator[TextIO]:
    """A file that takes the place of `path` at the end, all at once; meanwhile no other command has one.

    Where `path` is a link, its target is replaced. An error leaves `path` as it was.
    """
    path = os.path.realpath(path)
    new = f"{path}.new"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = _opened_alone(new)
        try:
            with file:
                yield file
            os.replace(new, path)
        except BaseException:
            os.unlink(new)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def _opened_alone(path: str) -> TextIO:
    for _ in range(_TRIES):
        with suppress(FileExistsError):
            return open(path, "x", encoding="utf-8", newline="")
        sleep(0.05)
    raise InvalidRequest(f"another command writes {path}, or was killed while it did: then remove that file")


def _header_of(table: Table) -> str:
    return ".".join(name if _BARE.match(name) else json.dumps(name, ensure_ascii=False) for name in table)


def _header(line: str) -> Table | None:
    """The table that a line begins; None for any other line."""
    if not line.lstrip().startswith("["):
        return None
    table, inner = [], _parsed_line(line)
    while len(inner) == 1:
        [(name, inner)] = inner.items()
        table.append(name)
        if not isinstance(inner, dict):
            return None
    return tuple(table)


def _parsed_line(line: str) -> dict[str, Any]:
    """What one line says by itself: a header, or a field with its value; empty for any other."""
    import tomllib

    try:
        return tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return {}


def _filled(said: Mapping[str, Any]) -> dict[str, Any]:
    """`said` without empty tables, which say nothing."""
    return {name: value for name, value in said.items() if value != {}}
