"""Where the hosts of the Chat Completions wire differ from OpenAI, and who is asked in one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...model_facts import facts_of
from ..asked_model import AskedModel

NAME = "openai_chat"
# developers.openai.com/api/docs/api-reference/chat/create, a user's message
PARTS: Mapping[str, type] = {"image_url": Mapping, "input_audio": Mapping, "file": Mapping}


@dataclass(frozen=True, slots=True)
class Quirks:
    """Where a host's wire is not OpenAI's.

    Requests. `fields`: a host's own names of options ("a.b" is a field within an object). `words`: the values of
    options that it knows. `top_logprobs`: their most. `asks_usage`: the host counts tokens only if `stream_options`
    asks for it. `closed`: it refuses what it does not know. `strict`: it is OpenAI's own, and what OpenAI's types do
    not have is refused here. `gateway`: OpenAI's models may be behind it. `facts`: the vendor in `model_facts.FACTS`
    whose rows say what its models take; `deployed`: they are there under names of the user's own. `schemas`: it takes a
    JSON Schema as response_format. `strict_schemas`: a strict schema has no optional fields. `counts_logprobs`:
    `logprobs` is a number there. `thinks`: its models think until `thinking` says not, and meanwhile take no forced
    tool. `forces_one`: a tool_choice may name a tool.

    Messages. `developer`: it has that role. `names`: they may have a name. `fields_of_messages`: what they may have
    besides. `files`: the form of a file's part by its media type, or the beginning of that; `file_urls` and
    `image_urls`: these may be URLs. `parts`: the parts that it takes in a wire's own form, by their types, and what
    stands in the field of that name. `marks`: what a part's `cache_control` is called. `tool_parts`: a tool's answer
    may have images. `audio`: an earlier answer's sound goes back by its id. `short_ids`: calls' ids have nine letters
    and digits. `null_content`: an answer of calls alone must have a `content`, null. `reasoning_details`: it takes its
    own reasoning details back. `reasoning`: the field in which it takes the reasoning back, with the calls that
    followed from it; `needs_reasoning`: it demands it.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    top_logprobs: int | None = None
    asks_usage: bool = True
    closed: bool = False
    strict: bool = False
    gateway: bool = False
    facts: str = ""
    deployed: bool = False
    schemas: bool = True
    strict_schemas: bool = False
    counts_logprobs: bool = False
    thinks: bool = False
    forces_one: bool = True
    developer: bool = False
    names: bool = True
    fields_of_messages: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    file_urls: bool = False
    image_urls: bool = True
    parts: Mapping[str, type] = field(default_factory=lambda: PARTS)
    marks: str = ""
    tool_parts: bool = False
    audio: bool = False
    short_ids: bool = False
    null_content: bool = False
    reasoning_details: bool = False
    reasoning: str = ""
    needs_reasoning: bool = False


class Target(AskedModel):
    """Who is asked in one request: a model, and its host, by its name and its quirks."""

    def __init__(self, host: str, quirks: Quirks, model: str | None) -> None:
        facts = facts_of(quirks.facts, model, deployed=quirks.deployed) if quirks.facts else None
        super().__init__(model or host, facts)
        self.host, self.quirks = host, quirks

    @property
    def strict_schemas(self) -> bool:
        """Whether a strict JSON Schema is one of closed objects alone, without optional fields."""
        # developers.openai.com/api/docs/guides/structured-outputs; whoever has no rows may pass a body on to OpenAI
        return self.quirks.strict_schemas or (not self.quirks.facts and self._is_openais)

    @property
    def customs(self) -> bool:
        """Whether it has custom tools: developers.openai.com/api/docs/guides/function-calling#custom-tools."""
        return self.quirks.strict or (self.quirks.gateway and self._is_openais)

    @property
    def _is_openais(self) -> bool:
        return facts_of("openai", self.model) is not None

    @property
    def efforts(self) -> tuple[str, ...] | None:
        """The words for an effort that the model takes; None where nothing is known of it."""
        facts = self.facts
        if facts is None or not (facts.efforts or facts.can):
            return self.quirks.words.get("reasoning_effort")
        # …/guides/latest-model: the effort "max" of OpenAI's models is one of the Responses endpoint alone
        return tuple(word for word in facts.efforts if word != "max" or self.quirks.facts != "openai")
