"""HTTP/1.1 without I/O, for both transports.

request     a request as bytes (h11 behind a fast path)
head        the head of a response out of bytes (likewise)
framing     the framings of a body
response    one response, from its first byte to its last: what both wires read with
tunnels     CONNECT and SOCKS5 as bytes in and bytes out; socks5
routes      where a request goes, and through which proxy
tls         what `verify=` means
words       what is said of all that goes wrong below the answer
"""
