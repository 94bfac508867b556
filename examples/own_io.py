"""Your own I/O: an Exchange over a socket and h11, with no transport of ours. One connection for each request."""

import argparse
import socket
import ssl
import sys
from collections.abc import Iterator
from time import monotonic, sleep

import h11

import sansio_core as core
from transports.emulator import Emulator


def left(*deadlines: float | None) -> float | None:
    """The seconds until the first of them; None is never."""
    known = [deadline for deadline in deadlines if deadline is not None]
    return max(0.001, min(known) - monotonic()) if known else None


def connect(request: core.HttpRequest, timeout: float | None) -> socket.socket:
    scheme, host, port = request.origin
    sock = socket.create_connection((host, port), timeout)
    return sock if scheme == "http" else ssl.create_default_context().wrap_socket(sock, server_hostname=host)


def converse(exchange: core.Exchange, request: core.HttpRequest, sock: socket.socket) -> Iterator[core.ChatEvent]:
    """Send one request; hand the response to the exchange, and give the events that come of it."""
    http = h11.Connection(h11.CLIENT)
    headers = [("host", request.authority), ("content-length", str(len(request.body))), *request.headers]
    headers.append(("accept-encoding", "identity"))  # nothing here decodes another
    sock.settimeout(left(exchange.deadline))
    for part in (h11.Request(method=request.method, target=request.target, headers=headers), h11.Data(request.body)):
        sock.sendall(http.send(part) or b"")
    http.send(h11.EndOfMessage())
    while exchange.under_way:
        match http.next_event():
            case h11.NEED_DATA:
                sock.settimeout(left(exchange.deadline))
                http.receive_data(sock.recv(65536))
            case h11.Response(status_code=status, headers=fields):
                exchange.receive_head(status, [(n.decode(), v.decode("latin-1")) for n, v in fields], monotonic())
            case h11.Data(data=data):
                yield from exchange.receive_data(data, monotonic())
            case h11.EndOfMessage():
                yield from exchange.receive_data(b"", monotonic())


def stream(exchange: core.Exchange) -> Iterator[core.ChatEvent]:
    """Do what the exchange says until the answer is complete. Raises ChatError."""
    while True:
        match exchange.next_action(monotonic()):
            case core.Send(request, connect_deadline):
                failure: type[core.TransportFailure] = core.ConnectFailed
                try:
                    with connect(request, left(connect_deadline, exchange.deadline)) as sock:
                        failure = core.ConnectionLost
                        yield from converse(exchange, request, sock)
                except TimeoutError:
                    yield from exchange.receive_timeout(monotonic())
                except h11.RemoteProtocolError as error:  # the connection ended, and the response had not
                    yield from exchange.receive_failure(core.StreamTruncated(str(error)), monotonic())
                except OSError as error:
                    yield from exchange.receive_failure(failure(str(error)), monotonic())
            case core.Wait(seconds):
                sleep(seconds)
            case core.Finish():
                return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompt", nargs="?", default="Write a short poem about nature.")
    parser.add_argument("--provider", default="free_netfly")
    parser.add_argument("--base-url", help="a real host; without it, an emulator on this machine answers")
    args = parser.parse_args()
    with Emulator() as emulator:
        provider = core.providers.create(args.provider, base_url=args.base_url or emulator.base_url(args.provider))
        try:
            for event in stream(core.Exchange(provider, core.ChatRequest(args.prompt))):
                print(event.text if isinstance(event, core.TextDelta) else "", end="", flush=True)
            print()
        except core.ChatError as error:
            sys.exit(f"\n{error}")


if __name__ == "__main__":
    main()
