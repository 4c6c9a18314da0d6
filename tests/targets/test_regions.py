"""A misspelled region is refused with the one that was meant; a region that may be new is not."""

from __future__ import annotations

from typing import Any

import pytest
from cases import plan_of

from unmoor.target.regions import near_region
from unmoor.target.registry import load
from unmoor.targets.aws_ecs.regions import REGIONS as AWS
from unmoor.targets.azure_container_apps.regions import REGIONS as AZURE
from unmoor.targets.gcp_cloud_run.regions import REGIONS as GOOGLE

TARGETS: dict[str, tuple[str, dict[str, Any]]] = {
    "aws-ecs": ("region", {}),
    "azure-container-apps": ("location", {}),
    "gcp-cloud-run": ("region", {"project": "my-project"}),
}


@pytest.mark.parametrize(
    ("target", "written", "meant"),
    [
        ("aws-ecs", "eu-centrl-1", "eu-central-1"),
        ("aws-ecs", "eu-wets-1", "eu-west-1"),
        ("azure-container-apps", "westeurop", "westeurope"),
        ("azure-container-apps", "esatus2", "eastus2"),
        ("gcp-cloud-run", "europe-west44", "europe-west4"),
        ("gcp-cloud-run", "us-centrall1", "us-central1"),
    ],
)
def test_a_slip_is_refused_with_what_was_meant(target: str, written: str, meant: str) -> None:
    field, more = TARGETS[target]
    found = load(target)
    settings = found.settings.model_validate({field: written, **more})
    problems = [str(p) for p in found.check(plan_of(), settings) if p.path.endswith(f".{field}")]
    assert problems == [
        f"targets.{target}.{field}: there is no region {written}; did you mean {meant}?; write {meant}, or another region"
    ]


@pytest.mark.parametrize(
    ("known", "region"),
    [
        *((AWS, region) for region in AWS),
        *((AZURE, region) for region in AZURE),
        *((GOOGLE, region) for region in GOOGLE),
        (AWS, "eu-west-4"),
        (AWS, "ap-southeast-8"),
        (AWS, "nz-north-1"),
        (AZURE, "eastus3"),
        (AZURE, "portugalsouth"),
        (GOOGLE, "europe-west15"),
        (GOOGLE, "antarctica-south1"),
    ],
)
def test_a_region_that_is_known_or_may_be_new_is_accepted(known: tuple[str, ...], region: str) -> None:
    assert near_region(region, sorted(known)) == ""
