"""HTTP/1.1, and the ways through proxies, without I/O: bytes in, bytes out. Both transports use it. In reading order:

routes      where a request goes and through which proxy: Proxy, Route, what the environment says
request     an HttpRequest as bytes: by h11, or by a fast path for the usual request
head        the bytes of a response's head as status and header fields: by h11, or by a fast path for the usual head
framing     the three framings of a body: until the connection closes, Content-Length, chunked (RFC 9112 6, 7)
response    one response from its first byte to its last: head, body, content coding, truncation
tunnels     the way through a proxy by CONNECT; socks5 beside it by SOCKS5
tls         what `verify=` means, as an ssl.SSLContext
failures    the errors, and their texts, for connections, TLS, proxies and malformed HTTP/1.1
"""
