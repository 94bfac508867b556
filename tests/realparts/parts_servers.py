"""The servers in front of an emulator: nginx, haproxy, stunnel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from parts import Authority, Part, free_port, running

NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events { worker_connections 512; }
http {
    log_format one "connection=$connection $request $status";
    access_log {folder}/access.log one;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_body_buffer_size 1m;
    proxy_buffering off;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_read_timeout 30s;
    lingering_close off;
    server {
        listen 127.0.0.1:{plain};
        keepalive_requests 3;
        location / { proxy_pass http://127.0.0.1:{origin}; }
        location /empty-pages/ { proxy_pass http://127.0.0.1:{nobody}/; }
    }
    server {
        listen 127.0.0.1:{tls} ssl;
        ssl_certificate {folder}/server.pem;
        ssl_certificate_key {folder}/server.pem;
        location / { proxy_pass http://127.0.0.1:{origin}; }
    }
    server {
        listen 127.0.0.1:{gzip};
        gzip on;
        gzip_types *;
        gzip_min_length 1;
        gzip_proxied any;
        location / { proxy_pass http://127.0.0.1:{origin}; }
    }
    server {
        listen 127.0.0.1:{close};
        chunked_transfer_encoding off;
        location / { proxy_pass http://127.0.0.1:{origin}; }
    }
    server {
        listen 127.0.0.1:{buffered};
        proxy_buffering on;
        proxy_buffer_size 4k;
        proxy_buffers 8 4k;
        location / { proxy_pass http://127.0.0.1:{origin}; }
    }
}
"""
HAPROXY = """
global
    maxconn 200
    log stderr local0
defaults
    mode http
    log global
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    retries 0
frontend plain
    bind 127.0.0.1:{plain}
    default_backend origin
frontend tls
    bind 127.0.0.1:{tls} ssl crt {folder}/server.pem alpn http/1.1
    http-request set-header X-Forwarded-Proto https
    default_backend origin
frontend hasty
    bind 127.0.0.1:{hasty}
    default_backend hasty
frontend full
    bind 127.0.0.1:{full}
    default_backend full
frontend resets
    bind 127.0.0.1:{resets}
    tcp-request connection reject
    default_backend origin
backend origin
    server emulator 127.0.0.1:{origin}
backend hasty
    timeout server 200ms
    server emulator 127.0.0.1:{origin}
backend full
    timeout queue 100ms
    server emulator 127.0.0.1:{origin} maxconn 1
"""
STUNNEL = """
foreground = yes
pid =
debug = info
output = {folder}/access.log
[emulator]
accept = 127.0.0.1:{tls}
connect = 127.0.0.1:{origin}
cert = {folder}/server.pem
"""


@contextmanager
def server(name: str, origin: int, authority: Authority) -> Iterator[Part]:
    """The server called `name` in front of the port `origin`, fresh."""
    binary, arguments, text, names = {
        "nginx": ("nginx", "-p {folder} -c {folder}/setup.conf", NGINX, ("plain", "tls", "gzip", "close", "buffered")),
        "haproxy": ("haproxy", "-db -f {folder}/setup.conf", HAPROXY, ("plain", "tls", "hasty", "full", "resets")),
        "stunnel": ("stunnel4", "{folder}/setup.conf", STUNNEL, ("tls",)),
    }[name]
    files = {
        "setup.conf": text.replace("{origin}", str(origin)).replace("{nobody}", str(free_port())),
        "server.pem": authority.pem,
    }
    with running(binary, arguments, files, **{port: free_port() for port in names}) as part:
        yield part
