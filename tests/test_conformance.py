"""Every target, every example: what a target promises to everybody."""

from __future__ import annotations

from pathlib import Path

from unmoor.testing.conformance import TargetConformance

EXAMPLES = sorted(p for p in (Path(__file__).parents[1] / "examples").iterdir() if p.is_dir())


class TestAwsEcs(TargetConformance):
    target = "aws-ecs"
    specs = EXAMPLES


class TestGcpCloudRun(TargetConformance):
    target = "gcp-cloud-run"
    specs = EXAMPLES


class TestVmDocker(TargetConformance):
    target = "vm-docker"
    specs = EXAMPLES


class TestAzureContainerApps(TargetConformance):
    target = "azure-container-apps"
    specs = EXAMPLES
    environment = None

    def case(self, spec):
        # The one schedule with daylight saving time is refused here; -e utc is the way out that the example shows.
        type(self).environment = "utc" if Path(spec).name == "06-everything" else None
        return super().case(spec)
