"""The command `sansio-chat`. In reading order:

command     main: runs a subcommand; logging, and how errors become exit codes
arguments   the arguments of all subcommands, and --help
values      what they take: durations, rates
epilogs     the end of --help: examples, exit codes
ask         the subcommands `ask` and `parse`: one answer, from a provider or from a recording
piped       what is piped in, and files
output      the three forms of an answer on standard output: text, events, one JSON object
chat        the subcommand `chat`: a conversation; on a terminal with what follows
conversation its messages, and the file that keeps them
lines       where its lines are read: an editor, or standard input
markdown    an answer with its Markdown rendered while it comes
batch       the subcommand `batch`: a file of questions, and the answers in another
progress    what is shown of it while it goes on: a bar, or a line each 10 seconds
report      the subcommand `report`: a page about those
models      the subcommand `models`: a host's own list
providers   the subcommands `providers` and `default`: who can be asked, and who is
config      the file of the command's settings: hosts by name, and the default
folders     the user's folders for settings and for data
table       tables for `models`, `providers` and `tape`
completion  the subcommand `completion`: words that the shell completes
replay      the subcommand `replay`: the answers of a tape once more
tape        the subcommand `tape`: what is on tapes, and whether they are safe to commit
emulate     the subcommand `emulate`: the emulator, or a tape, as a server
status      the status line: what is waited for
terminal    where text, messages and the status line meet on a terminal
exit        exit codes, and the texts on standard error
"""

from .command import main

__all__ = ["main"]
