"""Runs as tasks of Amazon ECS: what is asked, what passes, and that it is signed as Amazon's own library signs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fake_ecs
import pytest
from platforms import Cluster, Told, cluster

from unmoor.runtime.errors import ConfigurationError, TransientError
from unmoor.runtime.gateway.launchers.aws_sigv4 import CredentialProvider, Credentials, sign_request
from unmoor.runtime.gateway.launchers.ecs import Ecs, ecs

RUN, OTHER = "run-ybqr5rxvt-5z939m3", "run-ybqr5rxvt-5z939m4"


def play(folder: Path, act: Callable[[Cluster], Any]) -> None:
    async def whole() -> None:
        async with cluster(folder) as place:
            await act(place)

    asyncio.run(whole())


def test_a_task_is_asked_for_as_the_target_says(tmp_path: Path) -> None:
    async def act(place: Cluster) -> None:
        await place.launcher().start(RUN)
        assert place.ecs.asked == [
            (
                "RunTask",
                {
                    "cluster": fake_ecs.CLUSTER,
                    "taskDefinition": fake_ecs.TASK,
                    "launchType": "FARGATE",
                    "count": 1,
                    "startedBy": RUN,
                    "propagateTags": "TASK_DEFINITION",
                    "networkConfiguration": fake_ecs.NETWORK,
                    "overrides": {"containerOverrides": [{"name": "run", "command": ["run", RUN]}]},
                },
            )
        ]
        assert list(place.ecs.tokens) == [f"{RUN}.0"]

    play(tmp_path, act)


def test_a_gateway_that_knows_nothing_finds_the_start_that_is_next(tmp_path: Path) -> None:
    async def act(place: Cluster) -> None:
        for code in (2, None):
            await place.launcher().start(RUN)
            place.ecs.stop(list(place.ecs.tasks.values())[-1], code, "stopped")
        await place.launcher().start(RUN)
        await place.launcher().start(RUN)
        assert list(place.ecs.tokens) == [f"{RUN}.0", f"{RUN}.1", f"{RUN}.2"]

    play(tmp_path, act)


def test_a_run_that_was_started_before_a_deployment_is_not_started_again_after_it(tmp_path: Path) -> None:
    async def act(place: Cluster) -> None:
        await place.launcher().start(RUN)
        later = place.launcher()
        later.platform.task_definition = fake_ecs.TASK.replace(":7", ":8")  # type: ignore[attr-defined]
        await later.start(RUN)
        assert len(place.ecs.tasks) == 1
        [task] = place.ecs.tasks.values()
        place.ecs.stop(task, 1, "stopped")
        last = place.launcher()
        last.platform.task_definition = later.platform.task_definition  # type: ignore[attr-defined]
        await last.start(RUN)
        assert len(place.ecs.tasks) == 2

    play(tmp_path, act)


@pytest.mark.parametrize(
    ("failing", "fault"),
    [
        (("ThrottlingException", "Rate exceeded"), TransientError),
        (("ServerException", "try again"), TransientError),
        (("ClientException", "Capacity is unavailable at this time. Please try again later"), TransientError),
        (
            ("ClientException", "You've reached the limit on the number of vCPUs you can run concurrently"),
            TransientError,
        ),
        (("ExpiredTokenException", "The security token included in the request is expired"), TransientError),
        (("InvalidParameterException", "Task definition is inactive"), ConfigurationError),
        (("ClusterNotFoundException", "Cluster not found."), ConfigurationError),
        ([{"reason": "RESOURCE:CPU"}], TransientError),
        ([{"reason": "Capacity is unavailable at this time."}], TransientError),
        ([{"reason": "ATTRIBUTE", "detail": "no such attribute"}], ConfigurationError),
    ],
)
def test_what_passes_is_told_from_what_does_not(tmp_path: Path, failing: Any, fault: type[Exception]) -> None:
    async def act(place: Cluster) -> None:
        place.ecs.failing = failing
        with pytest.raises(fault) as raised:
            await place.launcher().start(RUN)
        assert isinstance(raised.value, ConfigurationError) == (fault is ConfigurationError)
        said = failing[0]["reason"] if isinstance(failing, list) else failing[1]
        assert said in str(raised.value)

    play(tmp_path, act)


def test_expired_credentials_are_fetched_again(tmp_path: Path) -> None:
    async def act(place: Cluster) -> None:
        launcher = place.launcher()
        place.ecs.failing = ("ExpiredTokenException", "expired")
        with pytest.raises(TransientError):
            await launcher.start(RUN)
        place.ecs.failing = None
        await launcher.start(RUN)
        assert ["Credential=KEY0/" in place.ecs.shown[0], "Credential=KEY1/" in place.ecs.shown[1]] == [True, True]

    play(tmp_path, act)


def test_a_task_that_never_began_for_want_of_capacity_waits(tmp_path: Path) -> None:
    async def act(place: Cluster) -> None:
        launcher, told = place.launcher(), Told()
        launcher.on_exit = told
        await launcher.start(RUN)
        [task] = place.ecs.tasks.values()
        place.ecs.stop(task, None, "Capacity is unavailable at this time. Please try again later")
        await launcher.reconcile()
        assert [(e.code, e.no_capacity) for e in told.exits] == [(-1, True)]

    play(tmp_path, act)


def test_why_a_task_ended_is_said(tmp_path: Path) -> None:
    async def act(place: Cluster) -> None:
        launcher, told = place.launcher(), Told()
        launcher.on_exit = told
        await launcher.start(RUN)
        [task] = place.ecs.tasks.values()
        place.ecs.stop(task, 137, "Essential container in task exited", why="OutOfMemoryError: container killed")
        await launcher.reconcile()
        says = "OutOfMemoryError: container killed; Essential container in task exited"
        assert [(e.code, e.detail, e.no_capacity) for e in told.exits] == [(137, says, False)]

    play(tmp_path, act)


def test_more_tasks_than_a_page_are_seen_and_those_of_others_are_left_alone(tmp_path: Path) -> None:
    async def act(place: Cluster) -> None:
        place.ecs.page = 2
        first = place.launcher()
        runs = [f"run-ybqr5rxvt-5z939m{n}" for n in range(5)]
        for run in runs:
            await first.start(run)
        next(iter(place.ecs.tasks.values()))["startedBy"] = "chronos-schedule/nightly"
        second = place.launcher()
        await second.reconcile()
        assert second.running() == set(runs[1:])

    play(tmp_path, act)


def test_without_the_right_to_list_what_became_of_a_run_is_still_seen(tmp_path: Path) -> None:
    async def act(place: Cluster) -> None:
        tasks = "arn:aws:ecs:eu-west-1:123456789012:task/*"
        place.ecs.statements = [
            {"Effect": "Allow", "Action": ["ecs:RunTask"], "Resource": [fake_ecs.TASK]},
            {"Effect": "Allow", "Action": ["ecs:DescribeTasks", "ecs:StopTask"], "Resource": [tasks]},
        ]
        launcher, told, logged = place.launcher(), Told(), list[str]()
        launcher.on_exit, launcher.log = told, lambda message, **_: logged.append(message)
        await launcher.start(RUN)
        await launcher.start(OTHER)
        first, _ = place.ecs.tasks.values()
        place.ecs.stop(first, None, "CannotPullContainerError: pull access denied")
        await launcher.reconcile()
        assert [(e.run, e.detail) for e in told.exits] == [(RUN, "CannotPullContainerError: pull access denied")]
        assert launcher.running() == {OTHER}
        assert "not authorized to perform: ecs:ListTasks" in logged[0]

    play(tmp_path, act)


def test_without_credentials_it_says_so() -> None:
    async def act() -> None:
        with pytest.raises(ConfigurationError) as refused:
            await CredentialProvider(environment={}).get()
        assert str(refused.value) == "no AWS credentials: the container's task has no role"

    asyncio.run(act())


@pytest.mark.parametrize("token", ["", "a/session+token=="])
def test_a_request_is_signed_as_amazons_own_library_signs_it(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as Theirs

    at = datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)
    url, body = "https://ecs.eu-west-1.amazonaws.com", '{"cluster": "ü"}'.encode()
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "T.RunTask"}
    ours = sign_request(
        url, body, headers, Credentials(key="K", secret="s/+", token=token), region="eu-west-1", service="ecs", at=at
    )
    request = AWSRequest("POST", url + "/", headers=headers, data=body)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: at.replace(tzinfo=None))
    SigV4Auth(Theirs("K", "s/+", token or None), "ecs", "eu-west-1").add_auth(request)
    assert ours["authorization"] == request.headers["Authorization"]


@pytest.mark.slow
def test_against_another_ecs(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto's tasks go on one step whenever they are looked at, and it knows no client tokens."""
    told = _made(moto)
    for name, value in (("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")):
        monkeypatch.setenv(name, value)

    async def act() -> None:
        platform: Ecs = ecs(told)
        handle = await platform.start(RUN)
        [seen] = await platform.list_executions(frozenset({handle}))
        assert (seen.run, seen.handle, seen.ended) == (RUN, handle, False)
        await platform.stop(handle)
        assert [e.ended for e in await platform.list_executions(frozenset({handle}))] == [True]
        await platform.close()

    asyncio.run(act())


def _made(moto: str) -> dict[str, Any]:
    """A cluster, a network and a task definition, and the launcher's configuration of them."""
    import botocore.session

    session = botocore.session.get_session()

    def client(service: str) -> Any:
        keys = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}
        return session.create_client(service, region_name="eu-west-1", endpoint_url=moto, **keys)

    ec2, made = client("ec2"), client("ecs")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    group = ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]
    container = {"name": "run", "image": "image", "memory": 512, "command": ["run"]}
    task = made.register_task_definition(
        family="agent-run",
        containerDefinitions=[container],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
    )
    return {
        "cluster": made.create_cluster(clusterName="agent")["cluster"]["clusterArn"],
        "container": "run",
        "network": {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": [group]}},
        "region": "eu-west-1",
        "task_definition": task["taskDefinition"]["taskDefinitionArn"],
        "endpoint": moto,
    }
