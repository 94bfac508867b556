"""What both transports share, apart from HTTP (which is in `http1`):

client      BaseClient and BaseStream: what Client and AsyncClient, Stream and AsyncStream have in common
environment keys and base URLs out of the environment's variables
installed   providers of other packages that are installed
files       the files that a question names by their paths, read
keys        the key that the user's function gives for a request
logging     the loggers, and the wrappers that log what goes through a wire
course      the log's lines about a question's course
ways        connect=, uds=, resolver=, max_connections=: how connections are made, and how many
addresses   names into addresses, and the order in which to try them
taping      the tapes that this process records or plays at the moment
recorder    the file that takes are written to, and the two wires that record
replay      a tape that answers in place of the network, and the two wires that play it
draft       a recording that is held in memory until a test has passed
open_files  how many files and connections the system lets this process have open
forks       what happens to connections in a forked process
"""
