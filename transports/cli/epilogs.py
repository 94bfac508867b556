"""What stands below the arguments in --help: examples, exit codes. `arguments.py` uses it."""

from __future__ import annotations

from .exit import MEANING

_EXIT_CODES = "exit codes:\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in MEANING.items())
_INPUT = """\
examples:
  sansio-chat ask --emulate "Write a short poem about nature."
  git diff | sansio-chat ask -p openai "Write a commit message."
  sansio-chat ask -p anthropic -f report.pdf "What does it say?"

standard input:
  A pipe or a file there is read to its end, and stands before PROMPT. Beside a PROMPT it is waited for a minute;
  -f - waits longer. A `while read` loop of a shell would lose its lines to it: give </dev/null there.
"""
_TALK = """\
examples:
  sansio-chat chat -p anthropic
  sansio-chat chat -c
  printf '%s\\n' "Name a river." "And its source?" | sansio-chat chat -p openai

In a conversation /help lists the commands, as /file, /undo and /save. It is kept, for -c, in a file that only this user
can read: in $XDG_DATA_HOME/sansio-chat/conversations, or the system's usual folder for data. With --emulate it is not.
The extra `cli` (pip install "sansio-chat[cli]") gives an editor for the lines, and Markdown on a terminal.
"""
FIRST = """\
a first answer, from this machine, without a key:
  sansio-chat ask --emulate "Hello"

and from a provider, with its key in the environment:
  export OPENAI_API_KEY=...
  sansio-chat ask -p openai "Write a short poem about nature."
"""
_SHELLS = """\
in ~/.bashrc:     eval "$(sansio-chat completion bash)"
in ~/.zshrc:      eval "$(sansio-chat completion zsh)"
once, in fish:    sansio-chat completion fish > ~/.config/fish/completions/sansio-chat.fish

It needs the extra `cli`: pip install "sansio-chat[cli]"
"""
_REPLAY = """\
examples:
  sansio-chat ask -p openai --record hello.tape "Hello"
  sansio-chat replay hello.tape
  sansio-chat replay hello.tape --speed 0 --json

Each question's answer comes as it came when it was recorded, with its messages. The exit code is that of the first
answer that failed. Nothing is asked, and no key is needed.
"""
_BATCH = """\
examples:
  sansio-chat batch in.jsonl out.jsonl -p openai --template "Summarise: {text}" --report out.html
  sansio-chat batch in.jsonl test.jsonl -p openai --template "Summarise: {text}" --emulate
  sansio-chat batch in.jsonl out.jsonl -p openai --template "Summarise: {text}" --retry-failed

each line of IN:
  {"prompt": "..."} or {"messages": [...]}, where you like with "id", "system", "model" and options as "temperature"
  "..."                               a prompt alone
  {"text": "...", "label": 7}         any object, with --template
  {"custom_id": ..., "body": {...}}   as in the files of OpenAI's Batch API

each line of OUT, in the order in which they are done:
  {"row": 2, "id": ..., ..., "text": "...", ...}    `jq -r .text OUT` prints the answers
  {"row": 7, "id": ..., ..., "error": {...}, ...}   `jq -c 'select(.error)' OUT` prints the rows that failed

However a run ended, with kill -9 too, the same command goes on: what has a line in OUT is not asked again.
Ctrl-C: no new rows are asked, and those in flight may end; a second one cancels them.

exit codes:
  0    every row is answered
  8    every row is done, and some failed: they have an error in OUT; --retry-failed asks them again
  5    stopped, as no row would be answered: a wrong key or model, no quota, a wait above --max-wait
  3    stopped, as the host was not reached
  2    nothing was sent: the command is wrong, IN or OUT is of no use, or another run writes OUT
  1    this machine: a file cannot be read or written, the disk is full
  130  interrupted with Ctrl-C
The extra `batch` (pip install "sansio-chat[batch]") gives a progress bar, `report` the plots of the report.
"""
_TAPE = """\
exit codes:
  0    every tape is safe to commit: it holds nothing that looks like a key
  1    at least one is not, or cannot be read; standard error says where

A commit hook: sansio-chat tape tests/tapes/*.tape >/dev/null
"""
EPILOGS = {
    "": f"{FIRST}\n{_EXIT_CODES}", "ask": f"{_INPUT}\n{_EXIT_CODES}", "chat": f"{_TALK}\n{_EXIT_CODES}",
    "parse": _EXIT_CODES, "completion": _SHELLS,
    "batch": _BATCH, "replay": f"{_REPLAY}\n{_EXIT_CODES}", "tape": _TAPE,
}  # fmt: skip
"""By subcommand; "" is the command itself."""
