"""Every target, every example: what a target promises to everybody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unmoor.testing.conformance import TargetConformance

pytestmark = pytest.mark.slow

EXAMPLES = sorted(p for p in (Path(__file__).parents[1] / "examples").iterdir() if p.is_dir())
# The fullest spec of each isolation; all of them in `make test-all`.
FULLEST = [p for p in EXAMPLES if p.name in ("04-inbox", "06-everything") or os.environ.get("UNMOOR_ALL_KNOBS")]


class TestAwsEcs(TargetConformance):
    target = "aws-ecs"
    specs = EXAMPLES
    knob_specs = FULLEST


class TestGcpCloudRun(TargetConformance):
    target = "gcp-cloud-run"
    specs = EXAMPLES
    knob_specs = FULLEST


class TestVmDocker(TargetConformance):
    target = "vm-docker"
    specs = EXAMPLES
    knob_specs = FULLEST


class TestAzureContainerApps(TargetConformance):
    target = "azure-container-apps"
    specs = EXAMPLES
    knob_specs = FULLEST
    environment = None

    def case(self, spec):
        # The one schedule with daylight saving time is refused here; -e utc is the way out that the example shows.
        type(self).environment = "utc" if Path(spec).name == "06-everything" else None
        return super().case(spec)
