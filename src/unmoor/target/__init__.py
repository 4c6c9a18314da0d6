"""The target contract: what a third party's target imports."""

from unmoor.container import secret_name_from_variable

from .contract import (
    PARTS,
    Access,
    Adjustment,
    BuildOptions,
    Guarantee,
    Limit,
    Outputs,
    Override,
    Part,
    PartMapping,
    Settings,
    Target,
    override_matches,
)

__all__ = [
    "PARTS",
    "Access",
    "Adjustment",
    "BuildOptions",
    "Guarantee",
    "Limit",
    "Outputs",
    "Override",
    "Part",
    "PartMapping",
    "Settings",
    "Target",
    "override_matches",
    "secret_name_from_variable",
]
