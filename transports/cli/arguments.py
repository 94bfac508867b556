"""The command's arguments and its --help. `command.py` calls it."""

from __future__ import annotations

import os
import re
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NoReturn

from sansio_core import __version__
from sansio_core.errors import suggestion

from .epilogs import EPILOGS
from .values import count, duration, names, port, rate, speed, timeout, utf8

_KEY_OPTION = re.compile(r"-k|(?!--api-key-env(=|\Z))--[\w-]*(key|token(?!s)|secret|password|auth)", re.I)
"""Options by which people try to give a key; none is accepted, as other processes can read the command line."""
_NAME = re.compile(r"--[a-z][a-z-]{0,30}(?==|\Z)|-[a-z]", re.I)
"""The name of an unknown option. Only that is quoted in the error: the rest of the word may be a key."""
_VALUE = re.compile(r"(invalid choice|ignored explicit argument):? .*?(?= \(choose from|\Z)", re.S)
"""Where argparse's own errors quote a word: it may be a key, given as the value of an option that does not exist."""


def arguments(argv: Sequence[str]) -> Namespace:
    """The parsed arguments; `parser` is their subcommand's.

    An error quotes no word of `argv` that may be a key: of an unknown option only its name.
    """
    parser = _parser(argv)
    if "_ARGCOMPLETE" in os.environ:  # set by the shell, which asks for completions, by the script of `completion`
        from .completion import complete

        complete(parser)
    # What `providers --key` takes is checked: of the names of variables, few are keys.
    words = [
        word for word in takewhile("--".__ne__, argv) if argv[0] != "providers" or word.partition("=")[0] != "--key"
    ]
    if any(map(_KEY_OPTION.match, words)):
        parser.error(
            "a key is not taken on the command line, where other processes can read it: set the provider's variable "
            "(`sansio-chat providers` lists them), or name another one with --api-key-env NAME"
        )
    args, rest = parser.parse_known_args(argv)
    if rest:
        args.parser.error(_words_about(rest, args))
    return args


def _words_about(rest: list[str], args: Namespace) -> str:
    """What is wrong with the words that no argument takes."""
    if unknown := [word for word in rest if word.startswith("-")]:
        return _no_option(unknown, args)
    if any("=" not in option for option in getattr(args, "option", ())):
        return "-o takes NAME=VALUE in one word, as temperature=0.2"
    quoted = "a PROMPT" if "prompt" in args else "a --template" if "template" in args else None
    return "there are too many words" + (f": {quoted} of several goes in quotes" if quoted else "")


def _no_option(unknown: list[str], args: Namespace) -> str:
    """The message for `unknown` options, without their values."""
    from sansio_core.options import OPTIONS  # imported here, as only a mistake needs it

    names = [found.group() for found in map(_NAME.match, unknown) if found]
    if not names:
        return "there is no such option"
    near = suggestion(names[0], args.parser.options) if len(names) == 1 else ""
    if "option" in args and (named := names[0][2:].replace("-", "_")) in OPTIONS:
        near = f": -o {named}=VALUE gives the model's options"
    return f"there is no option {', '.join(names)}{near}"


class _Parser(ArgumentParser):
    """An ArgumentParser that accepts no abbreviated option, and quotes no word that may be a key."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=RawDescriptionHelpFormatter, **settings)

    def error(self, message: str) -> NoReturn:
        super().error(_VALUE.sub(r"\1", message))

    @property
    def options(self) -> list[str]:
        """The names of the options."""
        return [name for name in self._option_string_actions if name.startswith("--")]


def _parser(argv: Sequence[str]) -> _Parser:
    """The parser. Only the subcommand that `argv` names has its arguments, so that the command starts sooner."""
    commands = (
        ("ask", "Ask one question, and print the answer as it comes.", _add_ask),
        ("chat", "Hold a conversation, on a terminal or with lines piped in.", _add_chat),
        ("batch", "Ask each line of a file, and write the answers to another.", _add_batch),
        ("report", "Write a page about a run of batch: how fast, what failed.", _add_report),
        ("models", "List a host's models.", _add_models),
        ("providers", "List the providers; add or remove hosts of your own.", _add_providers),
        ("default", "Show or set who is asked where -p is not given.", _add_default),
        ("parse", "Read a recorded answer's body with the parser alone.", _add_parse),
        ("replay", "Show the answers of a tape, which ask --record made, again.", _add_replay),
        ("tape", "List what is on tapes, and check that they are safe to commit.", _add_tape),
        ("emulate", "Run a server here that speaks every provider's wire format.", _add_emulate),
        ("completion", "Print the script that completes words in your shell.", _add_completion),
    )
    # argparse would break the lines of its own list: it counts their indentation short.
    listed = "\n".join(f"  {name:12}{description}" for name, description, _ in commands)
    parser = _Parser(
        prog="sansio-chat",
        usage="sansio-chat [-h] [--version] COMMAND ...",
        description="Ask a chat provider, and see the answer as it comes.\n\n"
        f"commands (`sansio-chat COMMAND --help` says more):\n{listed}",
        epilog=EPILOGS[""],
    )
    parser.add_argument("--version", action="version", version=f"sansio-chat {__version__}")
    parser.set_defaults(parser=parser)
    subparsers = parser.add_subparsers(dest="command", prog="sansio-chat", metavar="COMMAND", help=SUPPRESS)
    names = {name for name, *_ in commands}
    meant = next((word for word in argv if word in names), None)
    for name, description, add in commands:
        subparser = subparsers.add_parser(name, help=description, description=description, epilog=EPILOGS.get(name))
        if name == meant or "_ARGCOMPLETE" in os.environ:
            add(subparser)
        subparser.set_defaults(parser=subparser)
    return parser


def _add_ask(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "prompt", metavar="PROMPT", nargs="?", type=utf8,
        help="the question; what is piped in stands before it, or is the question; - waits for that, or for typing",
    )  # fmt: skip
    _add_question(parser)
    add(
        "-f", "--file", "-a", "--attach", metavar="PATH", action="append", default=[],
        help="a file before the question: a text, a PDF, an image, an audio, …, or its URL, or - for what is piped in; "
        "may be given several times",
    )  # fmt: skip
    add("--record", metavar="FILE", help="write what is sent and received to a tape, without keys, for `replay`")
    add("--async", dest="use_asyncio", action="store_true", help="use the asyncio client")
    _add_output(parser, both=True)


def _add_chat(parser: ArgumentParser) -> None:
    _add_question(parser)
    parser.add_argument(
        "-c", "--continue", dest="go_on", action="store_true",
        help="go on with the last conversation, with its provider and model where none is given",
    )  # fmt: skip


def _add_batch(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("input", metavar="IN", help="JSON lines, each a question; -: standard input")
    add("output", metavar="OUT", help="where the answers go, a line each; what is there already is not asked again")
    add("--template", metavar="TEXT", type=utf8, help="the prompt, with {field} for a field of the line's object")
    add("--keep", metavar="FIELD,FIELD", type=names, default=[], help="fields of IN that are copied into OUT")
    add(
        "--concurrency", metavar="N", type=count, default=64,
        help="how many rows are asked at once, at most; without it, 64",
    )  # fmt: skip
    add(
        "--rate", metavar="N/s", type=rate,
        help="how many requests are sent a second (N/m: a minute, N/h, N/d), at most; "
        "without it, as many as the provider takes",
    )  # fmt: skip
    add(
        "--max-wait", metavar="TIME", type=duration, default=3600.0,
        help="how long the provider may have everybody wait before the run stops; without it, 1h",
    )  # fmt: skip
    add("--order", choices=("done", "input"), default="done", help="input: put OUT into the order of IN at the end")
    add("--retry-failed", action="store_true", help="ask the rows again that have an error in OUT")
    add("--fresh", action="store_true", help="begin anew: the first new answer deletes all in OUT")
    add("--report", metavar="FILE", help="write a page about the run at its end, as `report` does")
    add("-q", "--quiet", action="store_true", help="no progress on standard error, and no summary")
    _add_question(parser, time="for each attempt at a row", retry="how many attempts at each row")


def _add_report(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="OUT", help="what `batch` wrote, or is writing")
    parser.add_argument("-o", "--output", metavar="FILE", help="the page; without it, OUT's name with .html at its end")


def _add_question(
    parser: ArgumentParser,
    time: str = "for everything, with all attempts",
    retry: str = "how many attempts in all",
) -> None:
    """The options of `ask`, `chat` and `batch`."""
    add = parser.add_argument
    who = "who answers, in place of the default: see `sansio-chat providers`; openai where only a --base-url is given"
    add("-p", "--provider", metavar="NAME", help=who)
    add("-m", "--model", metavar="NAME", help="in place of the provider's default")
    add("-s", "--system", metavar="TEXT", type=utf8, help="a system message before the question")
    add(
        "-o", "--option", metavar="NAME=VALUE", action="append", default=[],
        help="temperature=0.2 and the like; the value is read as JSON, else as text",
    )  # fmt: skip
    _add_where(parser, time, retry)


def _add_where(
    parser: ArgumentParser,
    time: str = "for everything, with all attempts",
    retry: str = "how many attempts in all",
) -> None:
    """The arguments of every subcommand that asks a provider."""
    add = parser.add_argument
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--base-url", metavar="URL", help="another host that speaks the provider's wire format")
    where.add_argument("--emulate", action="store_true", help="let an emulator on this machine answer; no network")
    add(
        "--api-key-env", metavar="NAME",
        help="the name of the environment variable that holds the key, in place of the provider's own; "
        "a key itself is not taken here, as other processes can read the command line",
    )  # fmt: skip
    add("--proxy", metavar="URL", help="http, https, socks5 or socks5h; in place of the environment's")
    add("--timeout", metavar="TIME", type=timeout, help=f"{time}: seconds, or 30s, 10m, 1h")
    add("--retry", metavar="N", type=count, help=f"{retry}, in place of the provider's number")
    add("-v", "--verbose", action="count", default=0, help="log to standard error; twice for more")


def _add_models(parser: ArgumentParser) -> None:
    who = "whose models: see `sansio-chat providers`; where none is named, the default (see `sansio-chat default`)"
    parser.add_argument("-p", "--provider", metavar="NAME", help=who)
    _add_where(parser)
    _add_output(parser, both=False)


def _add_parse(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="the body; - or nothing: standard input")
    parser.add_argument("-p", "--provider", metavar="NAME", required=True, help="whose answer it is")
    _add_output(parser, both=True)


def _add_replay(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the tape; -: standard input")
    _add_speed(parser)
    _add_output(parser, both=True)


def _add_tape(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="+", help="a tape")
    _add_output(parser, both=False)


def _add_speed(parser: ArgumentParser) -> None:
    how = "how fast the tape is played: 1, the default: as it was recorded; 2: twice as fast; 0: at once"
    parser.add_argument("--speed", metavar="X", type=speed, help=how)


def _add_providers(parser: ArgumentParser) -> None:
    _add_output(parser, both=False)
    group = parser.add_argument_group(
        "hosts of your own",
        "They are kept in a file, whose name --add prints.",
    )
    change = group.add_mutually_exclusive_group()
    change.add_argument("--add", metavar="NAME", help="add a host, to be asked with -p NAME")
    change.add_argument("--remove", metavar="NAME", help="remove one")
    group.add_argument("--url", metavar="URL", help="its base URL, with its version: https://api.acme.example/v1")
    group.add_argument("--key", metavar="VARIABLE", help="the NAME of the environment variable that holds its key")
    group.add_argument("--model", metavar="NAME", help="its default model")
    group.add_argument("--wire", metavar="NAME", help="the provider whose wire format it speaks; openai without it")


def _add_default(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("provider", metavar="PROVIDER", nargs="?", help="who is asked from now on; without it, the default is shown")
    add("-m", "--model", metavar="NAME", help="in place of that provider's own default model")
    add("--unset", action="store_true", help="have no default any more")


def _add_completion(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="your shell")


def _add_emulate(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--port", metavar="N", type=port, default=0, help="where to listen on 127.0.0.1; 0, the default: any free one")
    add("--tape", metavar="FILE", help="answer with this tape's answers, each once, and nothing else")
    _add_speed(parser)
    add(
        "--ignore", metavar="FIELD", action="append", default=[],
        help="a field of requests that need not be as on the tape, as metadata.run; may be given several times",
    )  # fmt: skip
    add("--reply", metavar="TEXT", help="what every answer says")
    add(
        "--tool-call", metavar="NAME=JSON", action="append", default=[],
        help="a tool call with these arguments, as weather='{\"city\": \"Kranj\"}': it answers what offers tools, and "
        "--reply what brings their results; may be given several times",
    )  # fmt: skip
    add("--reasoning", metavar="TEXT", default="", help="the model's reasoning, where the wire format has it")
    add("--pace", metavar="TIME", type=duration, default=0.0, help="between two words: seconds, or 30s")
    add("--delay", metavar="TIME", type=duration, default=0.0, help="before the first byte of an answer")
    add(
        "--limit", metavar="N/s", type=rate,
        help="answer so many questions a second (N/m: a minute, N/h, N/d), and refuse those above with status 429",
    )  # fmt: skip
    add(
        "--burst", metavar="N", type=count,
        help="with --limit, how many are answered at once; without it, the limit's N",
    )  # fmt: skip
    add(
        "--limit-headers", choices=("none", "openai", "anthropic"),
        help="with --limit, the vendor in whose form responses say what is left of it; without it, they do not",
    )  # fmt: skip
    add(
        "--fault", metavar="FAULT", action="append", default=[],
        help="what goes wrong with every answer, like status:503 or reset, or with a share of them, like "
        "status:500,share=0.02; may be given several times; `--fault help` lists what there is",
    )  # fmt: skip
    add("--once", action="store_true", help="each --fault is for one answer only, in that order")
    add("-q", "--quiet", action="store_true", help="no line on standard error for each request")


def _add_output(parser: ArgumentParser, *, both: bool) -> None:
    group = parser.add_mutually_exclusive_group()
    whole = "one JSON object for the whole answer, at its end" if both else "everything known of them, as JSON"
    group.add_argument("--json", dest="output", action="store_const", const="json", help=whole)
    if both:
        each = "one JSON object a line for each event"
        group.add_argument("--events", dest="output", action="store_const", const="events", help=each)
