"""The proxies: tinyproxy, squid, microsocks, dante, with a password and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from parts import PASSWORD, USER, Part, free_port, running

TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 60
LogFile "{folder}/access.log"
LogLevel Info
MaxClients 100
Allow 127.0.0.1
"""
SQUID = """
http_port 127.0.0.1:{port}
pid_filename {folder}/squid.pid
access_log stdio:{folder}/access.log
cache_log {folder}/cache.log
coredump_dir {folder}
log_mime_hdrs on
cache deny all
shutdown_lifetime 0 seconds
max_filedescriptors 1024
acl forbidden dstdomain forbidden.example
http_access deny forbidden
"""
SQUID_AUTH = """
auth_param basic program {folder}/helper.sh
auth_param basic children 1
auth_param basic realm loopback
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""
HELPER = """#!/bin/sh
while read -r user password; do
    if [ "$user $password" = "{user} {password}" ]; then echo OK; else echo ERR; fi
done
"""
DANTE = """
logoutput: {folder}/access.log
internal: 127.0.0.1 port = {port}
external: lo
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0
  log: connect
}
"""


Starter = Callable[[int], AbstractContextManager[Part]]


@dataclass(frozen=True)
class Kind:
    """One proxy as it is set up: how to start it, the scheme of its URL, whether it wants a password."""

    start: Starter
    scheme: str = "http"
    password: bool = False
    binary: str = ""

    def url(self, part: Part, *, scheme: str = "", credentials: str = "") -> str:
        if self.password:
            credentials = credentials or f"{USER}:{PASSWORD}"
        at = f"{credentials}@" if credentials else ""
        return f"{scheme or self.scheme}://{at}127.0.0.1:{part.port}"


def _tinyproxy(*, password: bool) -> Starter:
    files = {"setup.conf": TINYPROXY + "BasicAuth {user} {password}\n" * password}
    return lambda port: running("tinyproxy", "-d -c {folder}/setup.conf", files, port=port)


def _squid(*, password: bool) -> Starter:
    rules = SQUID_AUTH if password else "http_access allow all\n"
    files = {"setup.conf": SQUID + rules, "helper.sh": HELPER}
    return lambda port: running("squid", "-N -f {folder}/setup.conf", files, port=port)


def _microsocks(*, password: bool) -> Starter:
    login = "-u {user} -P {password}" if password else ""
    return lambda port: running("microsocks", "-i 127.0.0.1 -p {port} " + login, {}, port=port)


def _dante(port: int) -> AbstractContextManager[Part]:
    return running("danted", "-f {folder}/setup.conf -p {folder}/pid", {"setup.conf": DANTE}, port=port)


PROXIES: dict[str, Kind] = {
    "tinyproxy": Kind(_tinyproxy(password=False)),
    "tinyproxy-password": Kind(_tinyproxy(password=True), password=True),
    "squid": Kind(_squid(password=False)),
    "squid-password": Kind(_squid(password=True), password=True),
    "microsocks": Kind(_microsocks(password=False), "socks5h"),
    "microsocks-password": Kind(_microsocks(password=True), "socks5h", password=True),
    "dante": Kind(_dante, "socks5h"),
}


@contextmanager
def proxy(name: str) -> Iterator[Part]:
    """The proxy called `name`, fresh."""
    with PROXIES[name].start(free_port()) as part:
        yield part
