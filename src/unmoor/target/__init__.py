"""The target contract: what a third party's target imports."""

from unmoor.container import secret_name_from_variable

from .access import Access
from .contract import BuildOptions, CredentialsHint, FailureHint, Outputs, Target
from .description import PARTS, Adjustment, Guarantee, Limit, Part, PartMapping
from .settings import Override, Settings, override_matches
from .stand_ins import FakeResource, StandIns, template

__all__ = [
    "PARTS",
    "Access",
    "Adjustment",
    "BuildOptions",
    "CredentialsHint",
    "FailureHint",
    "FakeResource",
    "Guarantee",
    "Limit",
    "Outputs",
    "Override",
    "Part",
    "PartMapping",
    "Settings",
    "StandIns",
    "Target",
    "override_matches",
    "secret_name_from_variable",
    "template",
]
