"""HTTP/1.1 without I/O, for both transports: requests into bytes, bytes into responses, proxies and TLS settings."""
