"""trio: an Exchange over trio's streams and h11, with no transport of ours. One connection for each request."""

import argparse
import sys
from math import inf

import h11
import trio

import sansio_core as core
from transports.emulator import Emulator


async def converse(exchange: core.Exchange, request: core.HttpRequest, stream: trio.abc.Stream) -> None:
    """Send one request; hand the response to the exchange."""
    http = h11.Connection(h11.CLIENT)
    headers = [("host", request.authority), ("content-length", str(len(request.body))), *request.headers]
    for part in (h11.Request(method=request.method, target=request.target, headers=headers), h11.Data(request.body)):
        await stream.send_all(http.send(part) or b"")
    http.send(h11.EndOfMessage())
    while exchange.under_way:
        match http.next_event():
            case h11.NEED_DATA:
                with trio.fail_at(exchange.deadline or inf):
                    http.receive_data(bytes(await stream.receive_some()))
            case h11.Response(status_code=status, headers=fields):
                pairs = [(name.decode(), value.decode("latin-1")) for name, value in fields]
                exchange.receive_head(status, pairs, trio.current_time())
            case h11.Data(data=data):
                show(exchange.receive_data(data, trio.current_time()))
            case h11.EndOfMessage():
                show(exchange.receive_data(b"", trio.current_time()))


def show(events: list[core.ChatEvent]) -> None:
    print("".join(event.text for event in events if isinstance(event, core.TextDelta)), end="", flush=True)


async def chat(exchange: core.Exchange) -> None:
    """Do what the exchange says until the answer is complete. Raises ChatError."""
    while True:
        match exchange.next_action(trio.current_time()):
            case core.Send(request, connect_deadline):
                scheme, host, port = request.origin
                connect = trio.open_tcp_stream if scheme == "http" else trio.open_ssl_over_tcp_stream
                failure: type[core.TransportFailure] = core.ConnectFailed
                try:
                    with trio.fail_at(exchange.deadline or inf), trio.fail_at(connect_deadline or inf):
                        stream = await connect(host, port)
                    failure = core.ConnectionLost
                    async with stream:
                        await converse(exchange, request, stream)
                except trio.TooSlowError:
                    show(exchange.receive_timeout(trio.current_time()))
                except (OSError, trio.BrokenResourceError, h11.RemoteProtocolError) as error:
                    show(exchange.receive_failure(failure(str(error)), trio.current_time()))
            case core.Wait(seconds):
                await trio.sleep(seconds)
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
            trio.run(chat, core.Exchange(provider, core.ChatRequest(args.prompt)))
            print()
        except core.ChatError as error:
            sys.exit(f"\n{error}")


if __name__ == "__main__":
    main()
