"""The blocking transport, on requests and urllib3. `blocking.py` is its only user. In reading order:

wire         Connections of one client, and RequestsWire: the bytes of one stream, as `drive` asks for them
call         Call: one request on its way, known to the thread that sends it
adapter      the requests adapter, whose urllib3 pools make our connections
connection   one connection: urllib3's, but under a guard and with the reading of `http1`
opening      look-up and TCP under a guard
places       Places: which stream may have a connection, in whose order
guard        Guard: what a blocked thread waits under, a deadline and cancel()
session      what of a user's requests.Session goes with each call
sockets      what a user's `connect=` may return, and TLS over it
foreign      adapters that are not ours, and libraries that replace the network in tests
"""
