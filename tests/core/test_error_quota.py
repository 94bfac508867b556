"""A used-up quota, as each vendor says it; a limit that renews itself; how long the body of an error asks to wait."""

from __future__ import annotations

import json
from typing import Any

import pytest
from exchange_driver import JSON, SSE, Answer, Run, exchange, sse
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import (
    BadRequest,
    ChatError,
    HTTPStatusError,
    PermissionDenied,
    QuotaExhausted,
    RateLimited,
    RetryPolicy,
    ServerFailed,
)
from sansio_core.dialects.error_mapping import in_band, of_response

PLAN = "You exceeded your current quota, please check your plan and billing details."
ALIBABA = f"{PLAN} For details, see: https://help.aliyun.com/zh/model-studio/error-code#token-limit"
GOOGLE = f"{PLAN} For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
TEAM = (
    "Your team 16f2 has either used all available credits or reached its monthly spending limit. To continue making "
    "API requests, please purchase more credits or raise your spending limit."
)


def openai(code: str | None, kind: str = "insufficient_quota", message: str = PLAN) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str, **more: Any) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message, **more}, "request_id": "req_1"}


def openrouter(code: int, message: str, **metadata: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "metadata": metadata}}


def gemini(*quotas: str, delay: str | None = "34.074824224s", message: str = GOOGLE) -> dict[str, Any]:
    """ai.google.dev/gemini-api/docs/rate-limits; the details as in github.com/google-gemini/gemini-cli/issues/8437."""
    kinds = "type.googleapis.com/google.rpc."
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    violations = [{"quotaMetric": metric, "quotaId": quota} for quota in quotas]
    details: list[dict[str, Any]] = [{"@type": f"{kinds}QuotaFailure", "violations": violations}] if quotas else []
    details.append({"@type": f"{kinds}Help", "links": [{"description": "Learn more", "url": "https://ai.google.dev"}]})
    if delay is not None:
        details.append({"@type": f"{kinds}RetryInfo", "retryDelay": delay})
    return {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details}}


PER_DAY, PER_MINUTE = (f"GenerateRequestsPer{unit}PerProjectPerModel-FreeTier" for unit in ("Day", "Minute"))


@pytest.mark.parametrize(
    ("status", "value"),
    [
        # developers.openai.com/api/docs/guides/error-codes; help.openai.com/en/articles/6614457
        (429, openai("insufficient_quota")), (429, openai(None)), (429, openai("credit_balance_exhausted")),
        (429, openai("organization_spend_limit_exceeded")), (429, openai("project_spend_limit_exceeded", "tokens")),
        (429, openai("organization_usage_limit_exceeded", "x")),
        (400, openai("billing_hard_limit_reached", "invalid_request_error", "Billing hard limit has been reached")),
        (429, openai("billing_not_active", "billing_not_active", "Your account is not active")),
        (401, openai("401")),  # as Perplexity sends it
        # platform.claude.com/docs/en/api/errors, …/rate-limits; github.com/anthropics/claude-code/issues/4684
        (402, anthropic("billing_error", "There's an issue with your billing or payment information.")),
        (400, anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API.")),
        (400, anthropic("invalid_request_error", "You have reached your specified API usage limits. You will regain…")),
        (400, anthropic("invalid_request_error", "You have reached your specified workspace API usage limits.")),
        (429, anthropic("rate_limit_error", "too much", details={"error_code": "enforced_spend_limit_reached"})),
        # api-docs.deepseek.com/quick_start/error_codes; the body as in github.com/Aider-AI/aider/issues/4851
        (402, openai("invalid_request_error", "unknown_error", "Insufficient Balance")),
        # openrouter.ai/docs/api_reference/limits
        (402, openrouter(402, "Insufficient credits. Add more using https://openrouter.ai/credits")),
        (402, openrouter(402, "no", limit_source="openrouter_credits")),
        (402, openrouter(402, "no", limit_source="openrouter_key_limit")),
        (402, openrouter(402, "This request requires more credits, or fewer max_tokens.")),
        (429, openrouter(429, "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000")),
        (429, openrouter(429, "no", limit_source="openrouter_free_tier_daily")),
        # Gemini: a day's quota, with a RetryInfo that is of its quota for a minute; prepaid credit
        (429, gemini(PER_DAY)), (429, gemini(PER_MINUTE, PER_DAY)), (429, [gemini(PER_DAY)]),
        (429, gemini(message="Your prepayment credits are depleted. Please go to AI Studio")),
        # help.aliyun.com/en/model-studio/error-code
        (400, {"code": "Arrearage", "message": "Access denied, please make sure your account is in good standing."}),
        (403, openai("AllocationQuota.FreeTierOnly", "AllocationQuota.FreeTierOnly", "The free quota is exhausted.")),
        (429, openai("insufficient_quota", message="month allocated quota exceeded")),
        # platform.moonshot.ai/docs/api/chat, "Error"; github.com/MoonshotAI/Kimi-K2/issues/5
        (403, {"error": {"message": "not active", "type": "exceeded_current_quota_error"}}),
        (429, {"error": {"message": "Your account is suspended due to insufficient balance, please recharge"}}),
        # docs.z.ai/api-reference/api-code
        (429, {"error": {"code": "1113", "message": "余额不足或无可用资源包,请充值。"}}),
        (429, {"error": {"code": 1113, "message": "Insufficient balance or no resource package. Please recharge."}}),
        (429, {"error": {"code": "1310", "message": "Weekly/Monthly Limit Exhausted. It will reset at 2026-10-02"}}),
        # github.com/continuedev/continue/issues/10373, github.com/warpdotdev/warp/issues/14863
        (429, {"code": "Some resource has been exhausted", "error": TEAM}),
        (403, {"code": "The caller does not have permission to execute the specified operation", "error": TEAM}),
        # console.groq.com/docs/spend-limits
        (400, openai("blocked_api_access", "invalid_request_error", "blocked")),
        # docs.together.ai/docs/error-codes
        (402, openai(None, "credit_limit", "Credit limit exceeded, please [add credits](https://api.together.ai)")),
        # huggingface.co/docs/inference-providers/pricing
        (402, {"error": "You have exceeded your monthly included credits for Inference Providers."}),
        # docs.fireworks.ai/guides/quotas_usage/account-quotas
        (412, {"error": {"message": "Account a is suspended, possibly due to reaching the monthly spending limit"}}),
        # gateways: docs.litellm.ai/docs/proxy/users, New API
        (400, openai("400", "budget_exceeded", "Budget has been exceeded!")),
        (403, openai("insufficient_user_quota", "new_api_error", "用户额度不足")),
    ],
)  # fmt: skip
def test_a_quota_that_is_used_up(status: int, value: Any) -> None:
    response, inside = of_response(status, (), json.dumps(value).encode()), in_band(value)
    for error in (response, inside):
        assert type(error) is QuotaExhausted
        assert not RetryPolicy(statuses=frozenset({status})).retries(error)
        assert error.retry_after is None, "no wait of seconds brings it back"
        assert str(error).startswith("the account's quota or credit is used up (")
        assert "[add credit or raise the limit at the provider;" in str(error)
        copy = ChatError.from_dict(json.loads(json.dumps(error.to_dict())))
        assert type(copy) is QuotaExhausted
        assert (str(copy), copy.hint, copy.code) == (str(error), error.hint, error.code)
    assert (response.status, response.in_band) == (status, False)
    assert in_band(json.dumps(value)) is not None


@pytest.mark.parametrize(
    ("status", "value", "kind"),
    [
        (402, {}, PermissionDenied),
        (402, {"error": {"code": 402, "message": "Payment Required"}}, PermissionDenied),
        (429, openai("rate_limit_exceeded", "tokens", "Rate limit reached for gpt-4o on tokens per min"), RateLimited),
        (429, {"error": {"message": "slow_down", "type": "rate_limit_error"}}, RateLimited),
        (429, anthropic("rate_limit_error", "This would exceed your organization's rate limit of 50"), RateLimited),
        # of a minute: the same sentence as of the month
        (429, gemini(PER_MINUTE), RateLimited), (429, gemini(), RateLimited),
        # help.aliyun.com/en/model-studio/rate-limit: these are of a minute's tokens
        (429, openai("insufficient_quota", message=ALIBABA), RateLimited),
        (429, openai("insufficient_quota", message=ALIBABA.replace("help.aliyun", "www.alibabacloud")), RateLimited),
        (429, openai("insufficient_quota", message="Allocated quota exceeded, please increase it."), RateLimited),
        (429, {"code": "Throttling.AllocationQuota", "message": "Allocated quota exceeded, please…"}, RateLimited),
        # openrouter.ai/docs/api_reference/limits: "This is transient"; a Retry-After comes with it
        (402, openrouter(402, "It would exceed…", limit_source="openrouter_in_flight_budget"), RateLimited),
        (429, {"error": {"code": "1302", "message": "Rate limit reached for requests"}}, RateLimited),
        (429, openai("token_quota_exceeded", "too_many_tokens_error", "Tokens per minute limit exceeded"), RateLimited),
        (500, openai("insufficient_quota"), ServerFailed),
        (400, anthropic("invalid_request_error", "messages: at least one is required"), BadRequest),
    ],
)  # fmt: skip
def test_what_only_sounds_like_it(status: int, value: Any, kind: type[HTTPStatusError]) -> None:
    assert type(of_response(status, (), json.dumps(value).encode())) is kind
    assert type(in_band(value)) is not QuotaExhausted or status == 500


@pytest.mark.parametrize(
    "value",
    [
        openai("insufficient_quota", message=ALIBABA),
        {"code": "Throttling.AllocationQuota", "message": "Allocated quota exceeded, please increase it."},
        openrouter(402, "It would exceed…", limit_source="openrouter_in_flight_budget"),
    ],
)
@pytest.mark.parametrize("status", [402, 429, None])
def test_a_limit_that_renews_itself_is_tried_again(value: Any, status: int | None) -> None:
    error = in_band(value) if status is None else of_response(status, (), json.dumps(value).encode())
    assert type(error) is RateLimited
    assert RetryPolicy().retries(error)
    assert RetryPolicy(statuses=frozenset({500})).retries(error) is (status is None)


def test_a_bare_sentence_says_so_too() -> None:
    assert type(of_response(402, (), b"Insufficient Balance")) is QuotaExhausted
    assert type(of_response(402, (), b"<html><title>Payment required</title>")) is PermissionDenied
    assert type(of_response(503, (), b"Insufficient balance")) is ServerFailed
    assert type(in_band('{"error": "Insufficient balance"}')) is QuotaExhausted
    assert of_response(429, (), b"Slow down. Please retry in 9s.").retry_after == 9


def test_a_wait_that_the_header_asks_for_is_kept() -> None:
    error = of_response(429, (("retry-after", "3600"),), json.dumps(gemini(PER_DAY)).encode())
    assert (type(error), error.retry_after) == (QuotaExhausted, 3600)


# --- how long the body asks to wait ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (gemini(PER_MINUTE), 34.074824224), (gemini(delay="34s"), 34), (gemini(delay="0.5s"), 0.5),
        (gemini(delay="0s"), 0), (gemini(delay="1.000340012s"), 1.000340012),
        (gemini(delay="soon"), None), (gemini(delay="-3s"), None), (gemini(delay=None), None),
        # as in github.com/browserbase/mcp-server-browserbase/issues/129: the sentence says it, too
        (gemini(delay=None, message=f"{GOOGLE}\nPlease retry in 47.434392449s."), 47.434392449),
        (gemini(delay=None, message="Please retry in 607.983498ms."), 0.607983498),
        (gemini(delay="3s", message="Please retry in 9s."), 3),
        (gemini(delay="soon", message="Please retry in 9s."), 9),
        (gemini(delay=None, message="Please retry in a while."), None),
        # Groq's and OpenAI's
        (openai("rate_limit_exceeded", "tokens", "Please try again in 50.597142857s. Visit…"), 50.597142857),
        (openai("rate_limit_exceeded", "tokens", "Limit 3. Please try again in 7m12s."), 432),
        (openai("rate_limit_exceeded", "tokens", "Please try again in 1.2.3s."), None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("array", [False, True])
def test_a_wait_in_the_body(value: dict[str, Any], seconds: float | None, array: bool) -> None:
    given: Any = [value] if array else value
    for error in (of_response(429, (), json.dumps(given, indent=2).encode()), in_band(given)):
        assert type(error) is RateLimited
        assert error.retry_after == (None if seconds is None else pytest.approx(seconds))
    assert of_response(429, (("retry-after", "1"),), json.dumps(given).encode()).retry_after == 1


@given(st.text() | st.from_regex(r"[0-9.]{0,20}(s|ms|m|h)?"), st.text() | st.integers() | st.none())
def test_any_delay_is_a_wait_or_none(delay: str, other: Any) -> None:
    said = gemini(delay=None, message=f"Please retry in {delay}")
    for value in (gemini(delay=delay), said, gemini(PER_DAY, str(other))):
        value["error"]["details"].append({"violations": other, "retryDelay": other})
        error = of_response(429, (), json.dumps(value).encode())
        assert error.retry_after is None or error.retry_after >= 0


TEXT = {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}
LIMITED = gemini(PER_MINUTE)
VERTEX = "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/europe-west1"


@pytest.mark.parametrize("base_url", ["https://generativelanguage.googleapis.com", VERTEX])
@pytest.mark.parametrize(
    "refused",
    [
        Answer(json.dumps(LIMITED).encode(), 429, JSON),
        Answer(json.dumps([LIMITED], indent=2).encode(), 429, JSON),  # as without alt=sse
        Answer(sse(LIMITED), 200, SSE),
        Answer(json.dumps([LIMITED], indent=2).encode(), 200, JSON),
        Answer(json.dumps(LIMITED).encode(), 200, JSON),
    ],
    ids=["object", "array", "in band", "array in band", "object in band"],
)
def test_geminis_wait_is_waited(base_url: str, refused: Answer) -> None:
    policy = RetryPolicy(attempts=2, first_wait=2, jitter=0)
    config = {"api_key": "key", "base_url": base_url}
    run = Run(exchange("gemini", config=config, retry=policy)).over(refused, Answer(sse(TEXT)))
    assert run.waits == [34.074824224]
    assert run.text == "Hi"


def test_geminis_used_up_day_is_not_waited_for() -> None:
    run = Run(exchange("gemini", config={"api_key": "key"}))
    with pytest.raises(QuotaExhausted, match="add credit"):
        run.over(Answer(json.dumps(gemini(PER_DAY)).encode(), 429, JSON))
    assert (run.waits, len(run.sent)) == ([], 1)
