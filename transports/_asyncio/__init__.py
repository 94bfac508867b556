"""The asyncio transport, on a protocol of its own. `aio.py` is its only user. In reading order:

wire         AsyncWire: the bytes of one stream, as `adrive` asks for them
pool         Pool and LoopPool: the connections of one client, kept alive, bounded in number, one set for each loop
opening      how a connection is made: look-up, TCP, proxies, TLS
connection   Reader, the protocol; Connection: one open connection, read under a deadline and closed at once
foreign      pairs that are not asyncio's, as a user's `connect=` may return, and TLS over them
"""
