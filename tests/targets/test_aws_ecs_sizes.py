"""Fargate's table."""

from __future__ import annotations

from decimal import Decimal

import pytest

from unmoor.targets.aws_ecs.sizes import MEMORY_MIB, FargateSize, disk_gib, fargate_size, log_days

SIZES = [
    ("0.25", 512, 256, 512),
    ("0.25", 3000, 512, 3072),
    ("1", 2560, 1024, 3072),
    ("1.5", 2048, 2048, 4096),
    ("4", 30721, 8192, 32768),
    ("8", 16384, 8192, 16384),
    ("16", 122880, 16384, 122880),
]


@pytest.mark.parametrize(("cpu", "memory", "given_cpu", "given_memory"), SIZES)
def test_the_cheapest_legal_size_holds_the_request(cpu: str, memory: int, given_cpu: int, given_memory: int) -> None:
    assert fargate_size(Decimal(cpu), memory) == FargateSize(cpu=given_cpu, memory_mib=given_memory)


def test_what_no_size_holds_is_none() -> None:
    assert fargate_size(Decimal("16.1"), 1024) is None
    assert fargate_size(Decimal(1), 122881) is None


def test_every_size_of_the_table_is_its_own_answer() -> None:
    for cpu, memories in MEMORY_MIB.items():
        for memory in memories:
            size = fargate_size(Decimal(cpu) / 1024, memory)
            assert size == FargateSize(cpu=cpu, memory_mib=memory)


@pytest.mark.parametrize(("asked", "given"), [(1024, 20), (20480, 20), (20481, 21), (102400, 100)])
def test_disk_is_whole_gibibytes_and_twenty_at_least(asked: int, given: int) -> None:
    assert disk_gib(asked) == given


@pytest.mark.parametrize(("asked_s", "given"), [(3600, 1), (86400 * 8, 14), (86400 * 3653, 3653), (86400 * 3654, None)])
def test_log_retention_is_the_next_that_there_is(asked_s: int, given: int | None) -> None:
    assert log_days(asked_s) == given
