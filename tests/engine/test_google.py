"""Google as it is: what it refuses does not come in the way of `up`, `down` and a change."""

from __future__ import annotations

import pytest
from google_rules import (
    ApiComesLate,
    DeletedLogBuckets,
    fraction_of_a_processor,
    resource_manager_off,
    role_enforced,
)
from lifecycles import Life
from real_engine import Engine
from rules import Refused
from test_changes import instructed
from test_examples import EXAMPLES

from unmoor.stacks.failures import DeployError

GOOGLE = "gcp-cloud-run"
SERVICE, SECRET = "gcp:cloudrunv2/service:Service", "gcp:secretmanager/secret:Secret"
pytestmark = pytest.mark.slow
LEFT = {
    "gcp:logging/projectBucketConfig:ProjectBucketConfig",
    "gcp:storage/bucket:Bucket",
    "gcp:storage/bucketObject:BucketObject",
    "gcp:projects/service:Service",  # what data needs stays in the state
    "random:index/randomId:RandomId",
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_printed_role_is_enough_for_a_whole_life(engine: Engine, example: str) -> None:
    life = Life(engine=engine, example=example, target=GOOGLE)
    engine.cloud.rules += [role_enforced(life.role()), DeletedLogBuckets(), fraction_of_a_processor]
    assert {c.split()[0] for c in life.up()} == {"create"}
    assert life.up() == []
    assert life.refresh().changes == ()
    assert life.up(instructed) != []
    life.down()
    assert {t.type for t in engine.cloud.things()} <= LEFT
    life.up()
    life.down(destroy_data=True)
    assert {t.type for t in engine.cloud.things()} <= {"gcp:storage/bucketObject:BucketObject"}
    life.up()


def test_a_service_that_failed_when_it_was_created_is_created_again(engine: Engine) -> None:
    life = Life(engine=engine, example="01-hello", target=GOOGLE)
    text = "Error waiting to create Service: Revision is not ready and cannot serve traffic"
    engine.cloud.fail("create", SERVICE, "hello-guard", text=text, after=True)
    with pytest.raises(DeployError, match="Revision is not ready"):
        life.up()
    changes = [c for c in life.up() if f"{SERVICE} hello-guard" in c]
    assert changes == [f"delete {SERVICE} hello-guard", f"create {SERVICE} hello-guard"]
    job = next(t for t in engine.cloud.things() if t.type == "gcp:cloudrunv2/job:Job")
    assert "hello-default-guard" in str(job.inputs)
    assert life.up() == []


def test_a_service_that_has_worked_is_updated_after_a_failure(engine: Engine) -> None:
    life = Life(engine=engine, example="01-hello", target=GOOGLE)
    life.up()
    engine.cloud.fail("update", SERVICE, "hello-gateway", text="Revision is not ready")
    with pytest.raises(DeployError, match="Revision is not ready"):
        life.up(instructed)
    assert f"update {SERVICE} hello-gateway" in life.up(instructed)
    assert not [a for a in engine.cloud.changes() if a.startswith("delete") and SERVICE in a]


def test_an_api_that_was_enabled_just_now_is_waited_for_once(engine: Engine) -> None:
    life = Life(engine=engine, example="01-hello", target=GOOGLE)
    engine.cloud.rules.append(ApiComesLate(1))
    life.up()
    assert life.waits == [60]
    [line] = life.lines
    assert line.endswith("this passes: waiting 60 s, then deploying again")
    assert "unmoor enabled this API just now" in line


def test_an_api_that_stays_off_ends_it_after_one_wait(engine: Engine) -> None:
    life = Life(engine=engine, example="01-hello", target=GOOGLE)
    engine.cloud.rules.append(ApiComesLate(1000))
    with pytest.raises(DeployError, match="unmoor enabled this API just now; run this again in a minute"):
        life.up()
    assert life.waits == [60]


def test_an_empty_project_is_told_which_apis_come_first(engine: Engine) -> None:
    life = Life(engine=engine, example="01-hello", target=GOOGLE)
    engine.cloud.rules.append(resource_manager_off)
    with pytest.raises(DeployError, match=r"run gcloud services enable cloudresourcemanager\.googleapis\.com service"):
        life.up()
    assert life.waits == []


@pytest.mark.parametrize(
    "change",
    [
        {"maxInstanceRequestConcurrency": 200},
        {"executionEnvironment": "EXECUTION_ENVIRONMENT_GEN2"},
        {"containers": [{"resources": {"limits": {"cpu": "125m", "memory": "1024Mi"}, "cpuIdle": True}}]},
        {"containers": [{"resources": {"limits": {"cpu": "125m", "memory": "512Mi"}, "cpuIdle": False}}]},
    ],
)
def test_the_memory_cloud_refuses_a_fraction_of_a_processor_for_anything_else(change: dict[str, object]) -> None:
    template = {
        "maxInstanceRequestConcurrency": 1,
        "executionEnvironment": "EXECUTION_ENVIRONMENT_GEN1",
        "containers": [{"resources": {"limits": {"cpu": "125m", "memory": "512Mi"}, "cpuIdle": True}}],
    }
    fraction_of_a_processor("create", SERVICE, "guard", {"template": template}, None)
    with pytest.raises(Refused, match="cpu < 1"):
        fraction_of_a_processor("create", SERVICE, "guard", {"template": template | change}, None)
