"""What an engine fails with, in our words. The engine's texts here were printed by it."""

from __future__ import annotations

import os
import socket
from dataclasses import replace

import pytest

from unmoor.deploy.engine_events import Diagnostic, ResourceStep
from unmoor.stacks.failures import (
    DeployError,
    Failure,
    LockedError,
    StoppedError,
    to_deploy_error,
    translate_diagnostic,
)
from unmoor.stacks.stack_location import StackLocation

PLACE = StackLocation(project="hello", stack="default.vm-docker", backend="file:///state")
LOCKED = """\
 code: 1
 stdout:
 stderr: error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the \
lock file with `pulumi cancel`.
  file:///state/.pulumi/locks/organization/hello/default.vm-docker/1749ad66.json?no_tmp_dir=true: created by root@{host} \
(pid {process}) at 2026-11-25T02:36:47Z
"""


def failure(*errors: Diagnostic, done: int = 0) -> Failure:
    return Failure(place=PLACE, spec_path_of=lambda type_, name: "resources", errors=list(errors), done=done)


def error_of(text: str, *errors: Diagnostic, done: int = 0) -> DeployError:
    return to_deploy_error(text, failure(*errors, done=done))


def provider(text: str) -> Diagnostic:
    return Diagnostic(severity="error", text=text, type="d:index:Container", name="hello-run")


def test_a_lock_says_by_whom_since_when_and_what_to_do() -> None:
    error = error_of(LOCKED.format(host="other", process=9362))
    assert isinstance(error, LockedError)
    assert str(error) == (
        "hello as default.vm-docker is locked by root@other, process 9362, since 2026-11-25T02:36:47Z; "
        "wait for it, or run unmoor refresh --repair if that process is gone"
    )
    assert not error.is_alive


def test_a_lock_whose_holder_runs_here_is_not_to_be_taken() -> None:
    error = error_of(LOCKED.format(host=socket.gethostname(), process=os.getpid()))
    assert isinstance(error, LockedError)
    assert error.is_alive
    assert str(error).endswith("; wait for it")


def test_two_first_commands_at_once_are_told_apart_from_a_name_that_is_taken() -> None:
    error = error_of("code: 255\nstderr: error: stack 'organization/hello/default.vm-docker' already exists")
    says = "hello as default.vm-docker: another command created the stack at the same moment; run this again"
    assert str(error) == says


def test_a_plugin_that_is_not_there_gives_the_command_to_run() -> None:
    text = (
        "Could not automatically download and install resource plugin 'pulumi-resource-docker' at version v5.2.0, "
        "install the plugin using `pulumi plugin install resource docker v5.2.0`: error downloading provider"
    )
    assert str(error_of("", Diagnostic(severity="error", text=text))) == (
        "hello as default.vm-docker: a plugin of the engine is missing and could not be downloaded; "
        "pulumi plugin install resource docker v5.2.0"
    )


@pytest.mark.parametrize(
    "text",
    [
        "stderr: error: getting stack configuration: get stack secrets manager: incorrect passphrase",
        "stderr: error: failed to decrypt: incorrect passphrase, please set PULUMI_CONFIG_PASSPHRASE",
    ],
)
def test_another_passphrase(text: str) -> None:
    assert "encrypted with another passphrase; set PULUMI_CONFIG_PASSPHRASE" in str(error_of(text))


@pytest.mark.parametrize("text", ["error: update canceled", "stderr: error: update cancelled"])
def test_what_was_stopped_says_what_was_done(text: str) -> None:
    error = error_of(text, done=17)
    assert isinstance(error, StoppedError)
    assert error.exit_code == 130
    assert str(error) == (
        "hello as default.vm-docker was stopped\n"
        "the changes made before that (17 resources) are in the state; run the command again to continue"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "stderr: error: failed to load checkpoint: place 1: unexpected end of JSON input",
            "its state cannot be read: failed to load checkpoint: place 1: unexpected end of JSON input; restore a copy",
        ),
        (
            'stderr: error: read ".pulumi/meta.yaml": blob (key ".pulumi/meta.yaml") (code=Unknown): Invalid region',
            'backend file:///state: read ".pulumi/meta.yaml": blob (key ".pulumi/meta.yaml") (code=Unknown)',
        ),
    ],
)
def test_a_backend_that_cannot_be_read(text: str, said: str) -> None:
    assert said in str(error_of(text))


def test_a_providers_error_leads_back_to_the_spec_without_its_wrapping() -> None:
    text = "creating urn:pulumi:a::b::c::hello-run: 1 error occurred:\n\t* Unable to start: no space left\n\n"
    assert str(error_of("", provider(text))) == "resources: Container hello-run: Unable to start: no space left"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("AccessDenied: not allowed", "docs/deploying lists the permissions that the deploying user needs"),
        (
            "network hello-run already exists",
            "if a killed command left it, delete it in the cloud and run this again; else rename the agent",
        ),
        ("VcpuLimitExceeded", "request a larger quota or a smaller size"),
    ],
)
def test_errors_of_accounts_say_what_to_do(text: str, remedy: str) -> None:
    assert str(error_of("", provider(text))).endswith(f"; {remedy}")


def test_credentials_that_are_missing_have_the_targets_own_remedy() -> None:
    place = replace(PLACE, stack="default.aws-ecs")
    error = to_deploy_error("", replace(failure(provider("No valid credential sources found")), place=place))
    assert str(error).endswith("; log in with `aws sso login` or `aws configure`, then run unmoor doctor")
    assert "log in" not in str(error_of("", provider("No valid credential sources found")))


def test_what_the_command_itself_says_is_kept_where_nothing_else_is_known() -> None:
    assert str(error_of(" code: 255\n stdout: \n stderr: error: the backend is on fire\n")) == (
        "hello: hello as default.vm-docker: the backend is on fire"
    ).removeprefix("hello: ")


def test_what_a_killed_command_left_is_one_line() -> None:
    said = Diagnostic(
        severity="warning",
        text="Attempting to deploy or update resources with 1 pending operations from previous deployment.\n"
        "  * urn:pulumi:s::p::unmoor:vm-docker:Agent$docker:index/container:Container::hello-seed, "
        "interrupted while creating\nThese resources are in an unknown state",
    )
    assert translate_diagnostic(said).text == (
        "a command that was killed left Container hello-seed half done: it may exist without being in the state; "
        "check for it in the cloud, then run unmoor refresh --repair"
    )


def test_a_failure_hears_each_error_once_and_counts_what_was_done() -> None:
    found = failure()
    for event in (provider("a"), provider("a"), ResourceStep(op="create", phase="done", type="t", name="n")):
        found.on_event(event)
    assert (len(found.errors), found.done) == (1, 1)


@pytest.mark.parametrize(
    ("target", "text", "right"),
    [
        (
            "azure-container-apps",
            'Code="AuthorizationFailed" Message="The client \'a\' does not have authorization to perform action '
            "'Microsoft.App/jobs/write' over scope '/subscriptions/1'\"",
            "Microsoft.App/jobs/write",
        ),
        (
            "azure-container-apps",
            "Caller is not authorized to perform action on resource. Action: 'Microsoft.KeyVault/vaults/secrets/delete' "
            "RESPONSE 403",
            "Microsoft.KeyVault/vaults/secrets/delete",
        ),
        ("gcp-cloud-run", "Error 403: Permission 'run.jobs.create' denied on resource", "run.jobs.create"),
        ("gcp-cloud-run", "Error 403: Required 'compute.networks.get' permission for x", "compute.networks.get"),
        ("gcp-cloud-run", "403: a@b does not have storage.buckets.create access to", "storage.buckets.create"),
        ("aws-ecs", "AccessDenied: u is not authorized to perform: ecs:CreateCluster on x", "ecs:CreateCluster"),
    ],
)
def test_a_missing_right_is_named_with_the_role_that_has_it(target: str, text: str, right: str) -> None:
    place = replace(PLACE, stack=f"default.{target}")
    said = str(to_deploy_error("", replace(failure(provider(text)), place=place)))
    role = f"the role that unmoor rights -t {target} prints has it (docs/deployers/{target}.json)"
    assert said.endswith(f"; the deploying user lacks {right}: {role}")


@pytest.mark.parametrize(
    ("target", "text", "remedy", "wait_s"),
    [
        ("azure-container-apps", "Unable to get value using Managed identity /x for secret", "role assignment", 120),
        ("azure-container-apps", "Code=PrincipalNotFound: Principal 1 does not exist", "role assignment", 120),
        ("azure-container-apps", "StatusCode=429 Code=TooManyRequests", "Azure limits requests", 60),
        ("azure-container-apps", "not registered to use microsoft.insights", "az provider register --wait", 0),
        ("azure-container-apps", "400 CertificateInUse: Certificate c is used", "remove network.domain and run", 0),
        ("azure-container-apps", "MaxNumberOfGlobalEnvironmentsInSubExceeded", "environment_id to an existing", 0),
        ("azure-container-apps", "KeyBasedAuthenticationNotPermitted 403", "shared key", 0),
        ("azure-container-apps", "RequestDisallowedByPolicy: policy p", "ask its owner for an exemption", 0),
        ("gcp-cloud-run", "Error 403: Secret Manager API has not been used in project 1", "enabled this API", 60),
        (
            "gcp-cloud-run",
            "Error 403: Cloud Resource Manager API has not been used in project 1, SERVICE_DISABLED",
            "run gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com",
            0,
        ),
        ("gcp-cloud-run", "Error 403: Permission denied on secret: projects/1", "a new grant can take", 120),
        ("gcp-cloud-run", "Error 429: Quota exceeded, rateLimitExceeded", "Google limits requests", 60),
        ("gcp-cloud-run", "The container failed to start and listen on the port", "service's logs in Cloud", 0),
        ("gcp-cloud-run", "violates constraints/run.allowedIngress 403", "a policy of the organization", 0),
        ("gcp-cloud-run", "Error 400: Bucket b is in state DELETE_REQUESTED", "holds its name for 7 days", 0),
    ],
)
def test_each_error_of_a_cloud_has_its_own_remedy_and_some_pass(
    target: str, text: str, remedy: str, wait_s: int
) -> None:
    place = replace(PLACE, stack=f"default.{target}")
    error = to_deploy_error("", replace(failure(provider(text)), place=place))
    assert remedy in str(error)
    assert [hint.wait_s for hint in error.passing] == ([wait_s] if wait_s else [])


def test_an_error_that_passes_beside_one_that_does_not_is_not_waited_for() -> None:
    place = replace(PLACE, stack="default.gcp-cloud-run")
    passes, stays = provider("Secret Manager API has not been used in project 1"), provider("no space left")
    assert to_deploy_error("", replace(failure(passes, stays), place=place)).passing == ()
    assert to_deploy_error("no resource failed", replace(failure(), place=place)).passing == ()
