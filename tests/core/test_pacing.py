"""Pacing, on servers with limits in virtual time."""

from __future__ import annotations

from pacing_driver import Bucket, Server, World


def test_without_a_limit_nearly_all_of_it_is_used() -> None:
    outcome = World(Server([]), 100).run(answers=10_000)
    assert outcome.share >= 0.9
    assert outcome.most == 100


def test_most_of_a_bucket_is_used() -> None:
    outcome = World(Server([Bucket(100, 20)], asks="up"), 100).run(seconds=20)
    assert outcome.share >= 0.6
    assert outcome.refused_share <= 0.02
