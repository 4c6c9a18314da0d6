"""The settings of the target gcp-cloud-run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from unmoor.target import Settings

PROJECT = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
COMPUTE_NAME = r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
SECRET_ID = rf"projects/{PROJECT}/secrets/[A-Za-z0-9_-]{{1,255}}(/versions/[1-9]\d{{0,9}})?"

Project = Annotated[str, StringConstraints(pattern=rf"^{PROJECT}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]+-[a-z]+\d{1,2}$")]
Network = Annotated[str, StringConstraints(pattern=rf"^(projects/{PROJECT}/global/networks/)?{COMPUTE_NAME}$")]
Subnetwork = Annotated[
    str, StringConstraints(pattern=rf"^(projects/{PROJECT}/regions/[a-z0-9-]+/subnetworks/)?{COMPUTE_NAME}$")
]
Zone = Annotated[str, StringConstraints(pattern=rf"^(projects/{PROJECT}/managedZones/)?{COMPUTE_NAME}$")]
KmsKey = Annotated[
    str, StringConstraints(pattern=rf"^projects/{PROJECT}/locations/[a-z0-9-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+$")
]


class CloudRunSettings(Settings):
    """Settings of `targets.gcp-cloud-run`. An existing secret is named by `projects/P/secrets/S`, with or without
    `/versions/V`."""

    project: Project = Field(description="The id of the Google Cloud project.")
    region: Region = Field(description="The region, such as europe-west1.")
    public_access: Literal["invoker_iam_disabled", "all_users"] = Field(
        "invoker_iam_disabled",
        description="How the gateway is made public: without the IAM check of callers, or with the invoker role for "
        "allUsers, which some organizations forbid.",
    )
    disk: Literal["disk", "memory"] = Field(
        "disk",
        description="A run's scratch space: an ephemeral disk of at least 10Gi, or memory added to the run's own, for "
        "regions without ephemeral disks.",
    )
    disk_quota_gib: Annotated[int, Field(ge=10, le=4096)] = Field(
        10, description="The quota of ephemeral disk for one instance, in Gi. Google raises it on request."
    )
    network: Network | None = Field(None, description="An existing VPC network for outgoing traffic. Optional.")
    subnetwork: Subnetwork | None = Field(None, description="A subnetwork of `network` in the region, /26 or larger.")
    vpc_egress: Literal["private-ranges-only", "all-traffic"] | None = Field(
        None,
        description="The traffic that uses the network: private ranges, or all, which needs a NAT to reach the "
        "internet. Default: private ranges, or all if `static_address` is set.",
    )
    static_address: bool = Field(
        False,
        description="Whether all traffic leaves from one IP address. This creates a router, a NAT and an address, and "
        "a network if none is set.",
    )
    dns_zone: Zone | None = Field(
        None,
        description="The Cloud DNS zone in which to create the record of network.domain, by name or "
        "projects/P/managedZones/Z.",
    )
    kms_key: KmsKey | None = Field(
        None,
        description="A key that encrypts the bucket. The project's Cloud Storage service agent must have "
        "roles/cloudkms.cryptoKeyEncrypterDecrypter on it. Default: Google's own keys.",
    )
