"""What the examined servers are made from: the pages that say their rules, and draws of what is random at them."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from pacing_course import Draw
from pacing_servers import Bucket, Limit, Log, Window

OPENAI = "https://platform.openai.com/docs/guides/rate-limits"
OPENAI_QUANTA = "https://cookbook.openai.com/examples/how_to_handle_rate_limits"
ANTHROPIC = "https://docs.claude.com/en/api/rate-limits"
ANTHROPIC_ERRORS = "https://docs.claude.com/en/api/errors"  # 529, overloaded_error
AZURE = "https://learn.microsoft.com/en-us/azure/ai-services/openai/how-to/quota"  # "typically 1 or 10 seconds"
GEMINI = "https://ai.google.dev/gemini-api/docs/rate-limits"
VERTEX = "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429"
GROQ = "https://console.groq.com/docs/rate-limits"
MISTRAL = "https://docs.mistral.ai/deployment/laplateforme/tier/"
COHERE = "https://docs.cohere.com/docs/rate-limits"
FIREWORKS = "https://docs.fireworks.ai/guides/quotas_usage/rate-limits"
DEEPSEEK = "https://api-docs.deepseek.com/quick_start/rate_limit"
OPENROUTER = "https://openrouter.ai/docs/api-reference/limits"
WANDB = "https://docs.wandb.ai/support/inference/articles/api-error-code-429-concurrency-limit-rea"
NGINX = "https://nginx.org/en/docs/http/ngx_http_limit_req_module.html"
ENVOY = "https://www.envoyproxy.io/docs/envoy/latest/api-v3/type/v3/token_bucket.proto"
KONG = "https://developer.konghq.com/plugins/rate-limiting-advanced/"  # sliding window: a weighted one
HAPROXY = "https://www.haproxy.com/blog/four-examples-of-haproxy-rate-limiting"  # what is denied counts too
CLOUDFLARE = "https://developers.cloudflare.com/waf/rate-limiting-rules/"  # "mitigation timeout"
AWS_GATEWAY = "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html"
STRIPE = "https://stripe.com/blog/rate-limiters"  # a bucket and a limit of what runs at once, together
REDIS_CELL = "https://github.com/brandur/redis-cell"  # GCRA
LITELLM = "https://docs.litellm.ai/docs/proxy/users"  # rpm, tpm and max_parallel_requests by key
VLLM = "https://docs.vllm.ai/en/latest/design/metrics.html"  # continuous batching: slower with more at once
TGI = "https://huggingface.co/docs/text-generation-inference/reference/launcher"  # max_concurrent_requests
OLLAMA = "https://github.com/ollama/ollama/blob/main/docs/faq.mdx"  # OLLAMA_NUM_PARALLEL, OLLAMA_MAX_QUEUE: 503


# Draws


def about(seconds: float) -> Draw:
    """Always the same, but for a hundredth."""
    return lambda random: seconds * random.uniform(0.99, 1.01)


def lognormal(median: float, sigma: float, most: float = 30.0) -> Draw:
    return lambda random: min(most, random.lognormvariate(math.log(median), sigma))


def humps(short: float, long: float, part: float) -> Draw:
    """Short answers, and a part of long ones."""
    return lambda random: random.lognormvariate(math.log(long if random.random() < part else short), 0.2)


# Retry-After of a true wait


def exact(wait: float, random: Random) -> float:
    return wait


def whole(wait: float, random: Random) -> float:
    return max(1.0, float(math.ceil(wait)))


def absent(wait: float, random: Random) -> None:
    return None


def jittered(wait: float, random: Random) -> float:
    return wait + random.uniform(0.0, 2.0)


def always(seconds: float) -> Callable[[float, Random], float]:
    def told(wait: float, random: Random) -> float:
        return seconds

    told.__name__ = f"always {seconds:g}"
    return told


def bucket(rate: float, burst: float, **rest: object) -> Callable[[Random], Limit]:
    return lambda random: Bucket(rate, burst, **rest)  # type: ignore[arg-type]


def window(count: float, period: float, **rest: object) -> Callable[[Random], Limit]:
    return lambda random: Window(count, period, random.uniform(0.0, period), **rest)  # type: ignore[arg-type]


def log(count: int, period: float, **rest: bool) -> Callable[[Random], Limit]:
    return lambda random: Log(count, period, **rest)
