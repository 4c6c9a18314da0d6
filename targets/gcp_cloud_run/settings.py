"""What a user may set for Cloud Run alone."""

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
    """Settings of `targets.gcp-cloud-run`; an existing secret is placed by `projects/P/secrets/S`, and its version."""

    project: Project = Field(description="The id of the Google Cloud project.")
    region: Region = Field(description="The region, such as europe-west1.")
    public_access: Literal["invoker_iam_disabled", "all_users"] = Field(
        "invoker_iam_disabled",
        description="How the public may reach the gateway: by leaving out the check of the caller's right, or by "
        "giving that right to allUsers, which some organizations forbid.",
    )
    disk: Literal["disk", "memory"] = Field(
        "disk",
        description="Where a run's scratch space lies: on an ephemeral disk, 10Gi at least, or in memory, which is "
        "then added to the run's own, for regions that have no ephemeral disks.",
    )
    disk_quota_gib: Annotated[int, Field(ge=10, le=4096)] = Field(
        10, description="Gi of ephemeral disk that an instance may have; Google raises the quota when asked."
    )
    network: Network | None = Field(
        None, description="An existing VPC network that containers send through; none is needed."
    )
    subnetwork: Subnetwork | None = Field(None, description="A subnetwork of it in the region, /26 or larger.")
    vpc_egress: Literal["private-ranges-only", "all-traffic"] | None = Field(
        None,
        description="What goes through the network: what is private, or everything, which then needs a NAT to reach "
        "the internet. Private ranges unless `static_address` is set, which sends everything.",
    )
    static_address: bool = Field(
        False,
        description="Whether everything leaves from one address: makes a router, a NAT and an address, and a network "
        "where none is given.",
    )
    dns_zone: Zone | None = Field(
        None, description="The Cloud DNS zone in which network.domain is made, by name or projects/P/managedZones/Z."
    )
    kms_key: KmsKey | None = Field(
        None,
        description="A key that encrypts the bucket; the project's Cloud Storage service agent must have "
        "roles/cloudkms.cryptoKeyEncrypterDecrypter on it. Without it Google's own keys do.",
    )
