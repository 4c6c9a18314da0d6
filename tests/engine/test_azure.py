"""Azure as it is: what it refuses does not come in the way of `up`, `down` and a change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from azure_rules import (
    AssignmentsComeLate,
    certificate_in_use,
    no_room_for_environments,
    owner,
    registered_but_for,
    role_enforced,
)
from lifecycles import Life
from real_engine import Engine
from test_changes import instructed
from test_examples import EXAMPLES

from unmoor.plan import Plan
from unmoor.stacks.failures import DeployError

AZURE = "azure-container-apps"
pytestmark = pytest.mark.slow
# The store, what names it, and the role that is assigned on it.
LEFT = {
    "azure-native:authorization:RoleDefinition",
    "azure-native:resources:ResourceGroup",
    *(f"azure-native:storage:{kind}" for kind in ("Blob", "BlobContainer", "BlobServiceProperties")),
    *(f"azure-native:storage:{kind}" for kind in ("ManagementPolicy", "StorageAccount")),
    "random:index/randomId:RandomId",
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_printed_role_is_enough_for_a_whole_life(engine: Engine, example: str) -> None:
    life = Life(engine=engine, example=example, target=AZURE, environment="utc" if example == "06-everything" else None)
    role = role_enforced(life.role())
    engine.cloud.rules += [role, certificate_in_use]
    assert {c.split()[0] for c in life.up()} == {"create"}
    assert life.up() == []
    assert life.refresh().changes == ()
    assert life.up(instructed) != []
    life.down()
    assert {t.type for t in engine.cloud.things()} <= LEFT
    life.up()
    life.down(destroy_data=True)
    assert [t for t in engine.cloud.things() if t.type != "azure-native:storage:Blob"] == []


def test_an_owner_without_data_rights_takes_an_agent_down(engine: Engine) -> None:
    life = Life(engine=engine, example="01-hello", target=AZURE)
    engine.cloud.rules.append(owner)
    life.up()
    life.down()
    assert "azure-native:keyvault:Vault" not in {t.type for t in engine.cloud.things()}


def named(domain: str):
    def change(plan: Plan) -> Plan:
        return replace(plan, network=replace(plan.network, domain=domain))

    return change


def test_a_domain_is_changed_and_taken_down_with_a_managed_certificate(engine: Engine) -> None:
    life = Life(engine=engine, example="01-hello", target=AZURE, settings={"certificate": "managed"})
    engine.cloud.rules.append(certificate_in_use)
    life.up(named("one.example.com"))
    changed = life.up(named("two.example.com"))
    assert [c for c in changed if "Certificate" in c] == [
        "delete azure-native:app:ManagedCertificate hello-domain",
        "create azure-native:app:ManagedCertificate hello-domain",
    ]
    life.engine.cloud.journal.clear()
    down = Life(engine=engine, example="01-hello", target=AZURE).down()
    assert "delete azure-native:app:ManagedEnvironment hello-environment" in down


SHARED = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/shared/providers"
ENVIRONMENT = f"{SHARED}/Microsoft.App/managedEnvironments/all"


@pytest.mark.parametrize("settings", [{"resource_group": "mine"}, {"environment_id": ENVIRONMENT}])
def test_the_printed_roles_are_enough_beside_what_exists(engine: Engine, settings: dict[str, str]) -> None:
    life = Life(engine=engine, example="01-hello", target=AZURE, settings=settings)
    engine.cloud.rules.append(role_enforced(life.role()))
    if "environment_id" in settings:
        engine.cloud.rules.append(no_room_for_environments)
    life.up()
    life.refresh()
    life.down(destroy_data=True)
    assert [t for t in engine.cloud.things() if t.type != "azure-native:storage:Blob"] == []


def test_assignments_that_are_not_in_force_are_waited_for_once(engine: Engine) -> None:
    life = Life(engine=engine, example="01-hello", target=AZURE)
    engine.cloud.rules.append(AssignmentsComeLate(1))
    life.up()
    assert life.waits == [120]
    assert "a new role assignment can take some minutes to be in force" in life.lines[0]


def test_a_full_region_is_told_how_to_share(engine: Engine) -> None:
    engine.cloud.rules.append(no_room_for_environments)
    with pytest.raises(DeployError, match=r"set targets\.azure-container-apps\.environment_id to an existing"):
        Life(engine=engine, example="01-hello", target=AZURE).up()


def test_a_provider_that_is_not_registered_has_its_command(engine: Engine) -> None:
    engine.cloud.rules.append(registered_but_for("Microsoft.App"))
    with pytest.raises(DeployError, match=r"az provider register --wait --namespace"):
        Life(engine=engine, example="01-hello", target=AZURE).up()


def elsewhere(plan: Plan) -> Plan:
    """The model's key lies in another vault now."""
    return replace(
        plan, secrets=tuple(replace(s, source="existing") if s.holders == ("guard",) else s for s in plan.secrets)
    )


def test_a_secret_leaves_the_vault_with_the_printed_role_and_an_owner_is_told_the_right(engine: Engine) -> None:
    life = Life(engine=engine, example="02-issue-triage", target=AZURE)
    life.up()
    [key] = [s.name for s in life.chosen().loaded.plan.secrets if s.holders == ("guard",)]
    there = {key: f"{SHARED}/Microsoft.KeyVault/vaults/Shared/secrets/key"}
    engine.cloud.rules.append(owner)
    with pytest.raises(
        DeployError, match=r"the deploying user lacks Microsoft\.KeyVault/vaults/secrets/delete: the role"
    ):
        life.up(elsewhere, secrets=there)
    engine.cloud.rules[:] = [role_enforced(life.role())]
    assert life.up(elsewhere, secrets=there) == [f"delete azure-native:keyvault:Secret issue-triage-secret-{key}"]
