"""What both transports share, apart from HTTP (which is in `http1`):

client      BaseClient and BaseStream: what Client and AsyncClient, Stream and AsyncStream have in common
files       the files that a question names by their paths, read
keys        the key that the user's function gives for a request
logging     the loggers, and the wrappers that log what goes through a wire
addresses   names into addresses, and the order in which to try them
forks       what happens to connections in a forked process
"""
