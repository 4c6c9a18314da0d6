"""`unmoor verify`, also run by `unmoor up` after a deployment."""

from __future__ import annotations

import contextlib

import typer

from unmoor.cli.render.event_lines import printable, printable_lines
from unmoor.cli.render.values import print_json, print_status, to_jsonable
from unmoor.findings import Finding, line_of
from unmoor.operate.connect import AgentLocation, deployed_outputs, gateway_at
from unmoor.operate.verify import Patience, Verification, Verified
from unmoor.target import Outputs
from unmoor.target.choose import SelectedTarget, default_target, select_target

WIDTH = 10


def run(where: AgentLocation, *, self_test: bool, patience: Patience, as_json: bool) -> int:
    """Verifies the deployment; 1 if a step fails."""
    loaded = where.load()
    chosen = select_target(loaded, default_target(loaded, where.target))
    outputs = deployed_outputs(loaded, chosen.target.name, backend=where.backend)
    return run_verification(chosen, outputs, self_test=self_test, patience=patience, as_json=as_json)


def run_verification(
    chosen: SelectedTarget,
    outputs: Outputs,
    *,
    self_test: bool = True,
    patience: Patience | None = None,
    as_json: bool = False,
) -> int:
    """Verifies the deployment, prints each step when it is done, and returns the exit code."""
    agent = gateway_at(chosen, outputs)
    verification = Verification(
        target=chosen.target,
        plan=chosen.loaded.plan,
        settings=chosen.settings,
        outputs=outputs,
        agent=agent,
        notify=print_status,
        on_finding=_print_json_line if as_json else _print,
        patience=patience or Patience(),
        self_test=self_test,
    )
    with contextlib.closing(agent):
        return _print_log(verification.verify(), as_json=as_json)


def _print(finding: Finding) -> None:
    typer.echo(printable_lines(line_of(finding, width=WIDTH)))


def _print_json_line(finding: Finding) -> None:
    shown = {name: value for name, value in to_jsonable(finding).items() if name != "install"}
    print_json({"event": "verified", **shown}, indent=None)


def _print_log(found: Verified, *, as_json: bool) -> int:
    if found.log and as_json:
        print_json({"event": "log", "lines": found.log}, indent=None)
    for line in () if as_json else found.log:
        typer.echo(f"       {printable(line)}")
    return 0 if found.ok else 1
