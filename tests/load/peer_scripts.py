"""What people write to ask many prompts, each as its own documentation shows it, for `batch_peers`.

python peer_scripts.py NAME BASE_URL INPUT OUTPUT CONCURRENCY RATE

INPUT has lines of {"id", "prompt"}; OUTPUT gets lines of {"id", "text"}, with a text of None where it failed. RATE: the
requests a minute that the server is known to allow; those who ask for such a bound are told it.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def _read(path: str) -> Rows:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def _write(path: str, rows: Rows) -> None:
    with open(path, "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def gather(url: str, source: str, target: str, concurrency: int, rate: int) -> None:
    """The vendor's client with asyncio.gather, a semaphore, and tqdm.

    The retries are those of https://cookbook.openai.com/examples/how_to_handle_rate_limits, "Retrying with exponential
    backoff": tenacity, besides the client's own two.
    """
    import asyncio

    from openai import AsyncOpenAI
    from tenacity import retry, stop_after_attempt, wait_random_exponential
    from tqdm.asyncio import tqdm_asyncio

    client = AsyncOpenAI(api_key="k", base_url=url)
    semaphore = asyncio.Semaphore(concurrency)

    @retry(wait=wait_random_exponential(min=1, max=60), stop=stop_after_attempt(6))
    async def ask(prompt: str) -> str | None:
        messages: Any = [{"role": "user", "content": prompt}]
        completion = await client.chat.completions.create(model="m", messages=messages)
        text: str | None = completion.choices[0].message.content
        return text

    async def row(fields: dict[str, Any]) -> dict[str, Any]:
        async with semaphore:
            try:
                return {"id": fields["id"], "text": await ask(fields["prompt"])}
            except Exception:  # noqa: BLE001  # without this, one row ends them all
                return {"id": fields["id"], "text": None}

    async def main() -> None:
        _write(target, await tqdm_asyncio.gather(*map(row, _read(source))))

    asyncio.run(main())


def litellm(url: str, source: str, target: str, concurrency: int, rate: int) -> None:
    """https://docs.litellm.ai/docs/completion/batching: what failed is an exception in the list."""
    from litellm import batch_completion

    rows = _read(source)
    messages = [[{"role": "user", "content": row["prompt"]}] for row in rows]
    answers = batch_completion("openai/m", messages, api_base=url, api_key="k", max_workers=concurrency)
    texts = [None if isinstance(answer, Exception) else answer.choices[0].message.content for answer in answers]
    _write(target, [{"id": row["id"], "text": text} for row, text in zip(rows, texts, strict=True)])


def curator(url: str, source: str, target: str, concurrency: int, rate: int) -> None:
    """https://docs.bespokelabs.ai/bespoke-curator: it keeps what it has in a folder of its own, and resumes there."""
    # It counts tokens with a table that tiktoken fetches from the network; litellm, which it needs, has that one.
    found = find_spec("litellm")
    assert found is not None
    assert found.origin is not None
    tables = Path(found.origin).parent / "litellm_core_utils" / "tokenizers"
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(tables))
    from bespokelabs import curator

    class Asker(curator.LLM):
        def prompt(self, row: dict[str, Any]) -> str:
            return str(row["prompt"])

        def parse(self, row: dict[str, Any], response: str) -> dict[str, Any]:
            return {"id": row["id"], "text": response}

    bounds = {"max_requests_per_minute": rate, "max_tokens_per_minute": 10**9, "max_concurrent_requests": concurrency}
    own = {"base_url": url, "api_key": "k", "require_all_responses": False, **bounds}
    asker = Asker(model_name="m", backend="openai", backend_params=own)
    answers = asker(_read(source))
    _write(target, [{"id": row["id"], "text": row["text"]} for row in getattr(answers, "dataset", answers)])


PEERS = {"gather": gather, "litellm": litellm, "curator": curator}

if __name__ == "__main__":
    _, _name, _url, _source, _target, _concurrency, _rate = sys.argv
    os.environ["OPENAI_API_KEY"] = "k"
    PEERS[_name](_url, _source, _target, int(_concurrency), int(_rate))
