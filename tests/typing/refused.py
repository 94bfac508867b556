"""What must not pass: mypy and pyright must report each line that ends with `# error`, and no other."""

from __future__ import annotations

from collections.abc import Callable

from sansio_core import ChatRequest, Exchange, Options, ProviderName, TimedOut, providers
from sansio_core.providers import Call, Provider
from transports import AsyncClient, Client
from transports.batch import Batch, amap_prompts, map_prompts

Client("openai", temprature=1)  # error
Client("openai", temperature="0")  # error
Client("openai", messages="Hi")  # error
Client(5)  # error
AsyncClient("openai", stop_sequences=["END"])  # error
Batch("in.jsonl", "out.jsonl", "openai", order="x")  # error
Batch("in.jsonl", "out.jsonl", "openai", temprature=1)  # error
map_prompts(["a"], "openai", rate="fast")  # error
map_prompts([5], "openai")  # error
amap_prompts(["a"], "openai", timeout="5")  # error
ChatRequest("Hi", temprature=1)  # error
ChatRequest("Hi", system=["Be brief."])  # error
ChatRequest(5)  # error
Exchange(providers.create("openai"), "Hi")  # error
TimedOut("overall")  # error

misspelt: ProviderName = "opnai"  # error
option: Options = {"temprature": 1}  # error


def blocking(client: Client) -> None:
    client.complete("hi", temprature=1)  # error
    client.stream("hi", max_completion_tokens=1)  # error
    client.stream("hi", api_key="sk-")  # error
    client.stream("hi", temperature="0.5")  # error
    client.stream("hi", max_tokens=1.5)  # error
    client.stream("hi", stop=5)  # error
    client.stream("hi", tools={"name": "weather"})  # error
    client.stream("hi", tools="weather")  # error
    client.stream("hi", tool_choice=5)  # error
    client.stream("hi", reasoning_effort=["low"])  # error
    client.stream("hi", response_format="json")  # error
    client.stream("hi", extra=[("a", 1)])  # error
    client.stream("hi", retry="3")  # error
    client.stream("hi", limits=5)  # error
    client.stream("hi", record=5)  # error
    client.stream("hi", "again")  # error
    print(client.complete("hi").txt)  # error
    client.complete("hi", temperature=1, system="Be brief.")


async def asynchronous(client: AsyncClient) -> None:
    await client.complete("hi", temprature=1)  # error
    client.stream("hi", stream=True)  # error
    client.stream("hi", system=5)  # error
    (await client.complete("hi")).text.strip()


class Unfinished(Provider):
    def call(self, request: ChatRequest) -> Call:  # error
        return Call(self.get("/"))


class Odd(Provider):
    retry = 3  # error

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        return Call(self.get("/"))
