"""The command `sansio-chat`. In reading order:

command     main: the arguments of all subcommands, --help, logging, and how errors become exit codes
ask         the subcommands `ask` and `parse`: one answer, from a provider or from a recording
piped       what is piped in, and files
output      the three forms of an answer on standard output: text, events, one JSON object
providers   the subcommand `providers`: the table of them
emulate     the subcommand `emulate`: the emulator as a server
exit        exit codes, and the texts on standard error
"""

from .command import main

__all__ = ["main"]
