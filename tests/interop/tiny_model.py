"""A tiny random language model in llama.cpp's file format, made on the spot: no weights come from anywhere.

The format is GGUF version 3 (github.com/ggml-org/ggml/blob/master/docs/gguf.md); the model is a Llama of two layers.
All its hidden states share one strong direction, so that a row of the output matrix can be made likely or unlikely
whatever came before: that is how it speaks in words, ends, thinks for a while, and writes short JSON.
"""

from __future__ import annotations

import random
import string
import struct
from array import array
from collections.abc import Iterator
from pathlib import Path

WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, CONTEXT = 32, 64, 2, 4, 2, 4096
NEVER = -30.0
END, THOUGHT = 2, 260
"""The tokens that end the answer, and its thoughts. `logit_bias` makes them likely in one request."""
WORDS = """the of to and a in that is was he for it with as his on be at by had not are but from or have an they which
one you were her all she there would their we him been has when who will more no if out so said what up its about into
than them can only other new some could time these two may then do first any my now such like our over man me even most
made after also did many before must through back years where much your way well down should because each just those
people take day good how long little know great year come since against go still life under never last another while
house ein Haus im Grünen naïve Größe garçon 日本 語 Привет мир 한글 🙂 \u2028""".replace("\n", " ").split(" ")
UNKNOWN, NORMAL, CONTROL, USER_DEFINED, BYTE = 2, 1, 3, 4, 6  # kinds of tokens in the file
TEMPLATE = """{%- if tools %}<|tools|>{{ tools | tojson }}
{% endif %}{%- for m in messages %}<|{{ m['role'] }}|>{%- if m['reasoning_content'] %}<think>
{{ m['reasoning_content'] }}
</think>
{% endif %}{{ m['content'] or '' }}{%- for call in m['tool_calls'] or [] %}<tool_call>{"name": "{{
call['function']['name'] }}", "arguments": {{ call['function']['arguments'] | tojson }}}</tool_call>{%- endfor %}
{% endfor %}{%- if add_generation_prompt %}<|assistant|>{%- if enable_thinking %}<think>
{% endif %}{% endif %}"""


def make(path: Path, *, seed: int = 1) -> Path:
    """Write the model to `path`. It never ends its answer unless a request says so, with a bias on END."""
    tokens = list(_vocabulary())
    draw = random.Random(seed).gauss

    def matrix(rows: int, columns: int, spread: float) -> list[array[float]]:
        return [array("f", (draw(0, spread) for _ in range(columns))) for _ in range(rows)]

    embedding, output = matrix(len(tokens), WIDTH, 1.0), matrix(len(tokens), WIDTH, 0.4)
    for row in embedding:
        row[0] = 20.0  # the shared direction
    for row, (_, _, likely) in zip(output, tokens, strict=True):
        row[0] = likely / 5.0  # about what is left of it after the normalisation
    tensors = {"token_embd.weight": embedding, "output.weight": output, "output_norm.weight": _ones()}
    for layer in range(LAYERS):
        kv = KV_HEADS * WIDTH // HEADS
        shapes = {
            "attn_q": (WIDTH, WIDTH), "attn_k": (kv, WIDTH), "attn_v": (kv, WIDTH), "attn_output": (WIDTH, WIDTH),
            "ffn_gate": (HIDDEN, WIDTH), "ffn_up": (HIDDEN, WIDTH), "ffn_down": (WIDTH, HIDDEN),
        }  # fmt: skip
        for name, shape in shapes.items():
            rows = matrix(*shape, 0.15)
            if name in ("attn_output", "ffn_down"):
                rows[0] = array("f", bytes(4 * shape[1]))  # nothing writes to that direction
            else:
                for row in rows:
                    row[0] = 0.0  # and nothing reads it
            tensors[f"blk.{layer}.{name}.weight"] = rows
        tensors |= {f"blk.{layer}.{name}_norm.weight": _ones() for name in ("attn", "ffn")}
    path.write_bytes(_file(_facts(tokens), tensors))
    return path


def _vocabulary() -> Iterator[tuple[str, int, float]]:
    """Each token's text, kind, and how likely it is."""
    yield "<unk>", UNKNOWN, NEVER
    yield "<s>", CONTROL, NEVER
    yield "</s>", CONTROL, NEVER
    yield from ((f"<0x{byte:02X}>", BYTE, NEVER) for byte in range(256))
    yield "<think>", USER_DEFINED, NEVER
    yield "</think>", USER_DEFINED, NEVER
    yield "<tool_call>", USER_DEFINED, 2.0
    yield "</tool_call>", USER_DEFINED, NEVER
    words = dict.fromkeys(f"▁{word}" for word in WORDS)
    yield from ((word, NORMAL, 0.0) for word in words)
    yield "\n", NORMAL, -1.0
    yield "▁", NORMAL, -3.0
    yield from ((character, NORMAL, -3.0) for character in string.printable[:94])


def _facts(tokens: list[tuple[str, int, float]]) -> dict[str, object]:
    return {
        "general.architecture": "llama",
        "general.name": "tiny-random",
        "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": HIDDEN,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KV_HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": WIDTH // HEADS,
        "llama.vocab_size": len(tokens),
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [text for text, _, _ in tokens],
        "tokenizer.ggml.scores": [-float(number) for number in range(len(tokens))],
        "tokenizer.ggml.token_type": [kind for _, kind, _ in tokens],
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": TEMPLATE,
    }


def _ones() -> list[array[float]]:
    return [array("f", [1.0] * WIDTH)]


def _file(facts: dict[str, object], tensors: dict[str, list[array[float]]]) -> bytes:
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(facts))]
    head += [_text(name) + _value(value) for name, value in facts.items()]
    body = bytearray()
    for name, rows in tensors.items():
        shape = (len(rows[0]),) if len(rows) == 1 else (len(rows[0]), len(rows))
        head.append(_text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, len(body)))  # 0: float32
        body += b"".join(row.tobytes() for row in rows)
        body += bytes(-len(body) % 32)
    written = b"".join(head)
    return written + bytes(-len(written) % 32) + body


def _value(value: object) -> bytes:
    match value:
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + _text(value)
        case [str(), *_]:
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_text(str(item)) for item in value)
        case [float(), *_]:
            return struct.pack(f"<IIQ{len(value)}f", 9, 6, len(value), *value)
        case [int(), *_]:
            return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
    raise TypeError(value)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data
