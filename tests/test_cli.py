"""The commands, run as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from forked import UNMOOR

from unmoor.cli.render.values import to_jsonable
from unmoor.spec.load import load
from unmoor.spec.yaml_positions import read_yaml
from unmoor.target.json_schema import json_schema

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted(p for p in (ROOT / "examples").iterdir() if p.is_dir())
HELLO = str(ROOT / "examples" / "01-hello")
EVERYTHING = str(ROOT / "examples" / "06-everything")


def unmoor(*arguments: str, home: Path | None = None, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
    places = {"HOME": home, "UNMOOR_CACHE": cache}
    environment = {**os.environ, **{name: str(place) for name, place in places.items() if place}}
    command = [*UNMOOR, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)


def modules_after(*arguments: str) -> set[str]:
    code = (
        "import sys\nfrom unmoor.cli import main\nsys.argv = ['unmoor', *sys.argv[1:]]\n"
        "try: main()\nexcept SystemExit: pass\nprint('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_neither_pulumi_nor_pydantic() -> None:
    assert not {"pulumi", "pydantic"} & modules_after("--help")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("rights", EVERYTHING, "-t", "aws-ecs", "--target", "vm-docker"), "--target"),
        (("check", "--env=a", EVERYTHING, "-e", "b"), "--env"),
        (("dev", EVERYTHING, "--once", "a", "--once=b"), "--once"),
    ],
)
def test_an_option_that_takes_one_value_is_refused_where_it_is_written_twice(
    arguments: tuple[str, ...], name: str
) -> None:
    done = unmoor(*arguments)
    says = f"{name}: it is written 2 times and takes one value; write it once\n"
    assert (done.returncode, done.stderr) == (2, says)


def test_an_option_that_takes_several_may_be_repeated() -> None:
    assert unmoor("check", EVERYTHING, "-t", "aws-ecs", "-t", "vm-docker").returncode == 0


def test_check_notes_a_model_that_its_vendor_retires(tmp_path: Path) -> None:
    spec = {
        "version": 1,
        "name": "agent",
        "harness": {"name": "claude-code"},
        "model": {"provider": "anthropic", "name": "claude-sonnet-4-5", "api_key": "key"},
        "secrets": {"key": {"env": "KEY"}},
        "targets": {"vm-docker": {}},
    }
    (tmp_path / "unmoor.yaml").write_text(json.dumps(spec))
    said = "claude-sonnet-4-5 was retired on 2026-11-30; choose another model (https://docs.claude.com"
    assert f"  note: model.name: {said}" in unmoor("check", str(tmp_path)).stdout.replace(
        "will be retired", "was retired"
    )
    [note] = json.loads(unmoor("check", str(tmp_path), "--json").stdout)["notes"]
    assert "2026-11-30" in note


@pytest.mark.parametrize("command", [("check", EVERYTHING), ("plan", EVERYTHING), ("targets",), ("schema",)])
def test_a_command_that_needs_no_sdk_imports_none(command: tuple[str, ...]) -> None:
    assert "pulumi" not in modules_after(*command)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.name)
def test_every_example_keeps_the_json_schema(example: Path) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    value = json.loads(json.dumps(read_yaml((example / "unmoor.yaml").read_bytes(), "x").value, default=float))
    assert [e.message for e in validator.iter_errors(value)] == []


def test_check_says_everything_and_exits_2_where_an_asked_target_refuses() -> None:
    done = unmoor("check", EVERYTHING, "-t", "azure-container-apps")
    assert done.returncode == 2
    assert "triggers[nightly].schedule.timezone: Europe/Paris has daylight saving time" in done.stdout
    assert unmoor("check", EVERYTHING, "-t", "azure-container-apps", "-e", "utc").returncode == 0


def test_an_unknown_target_is_answered_with_the_nearest() -> None:
    done = unmoor("graph", HELLO, "-t", "aws-ec")
    assert done.returncode == 2
    assert done.stderr == (
        "unknown target 'aws-ec'; did you mean aws-ecs? installed targets: "
        "aws-ecs, azure-container-apps, gcp-cloud-run, vm-docker\n"
    )


def test_a_missing_spec_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    done = unmoor("check", str(tmp_path))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_plan_json_is_the_whole_plan() -> None:
    done = unmoor("plan", EVERYTHING, "-e", "prod", "--json")
    assert json.loads(done.stdout) == json.loads(json.dumps(to_jsonable(load(EVERYTHING, "prod").plan)))


def test_graph_json_is_a_list_of_four_keys() -> None:
    graph = json.loads(unmoor("graph", HELLO, "-t", "vm-docker", "--json").stdout)
    assert {tuple(r) for r in graph} == {("type", "name", "parent", "inputs")}


def test_two_forms_of_a_graph_exclude_each_other() -> None:
    assert unmoor("graph", HELLO, "-t", "vm-docker", "--json", "--svg").returncode == 2


def test_svg_is_well_formed_and_needs_nothing_from_elsewhere() -> None:
    from xml.etree import ElementTree

    picture = unmoor("graph", HELLO, "-t", "vm-docker", "--svg").stdout
    assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    assert picture.count("http") == 1


def test_compare_shows_each_target_in_every_form() -> None:
    columns = json.loads(unmoor("compare", HELLO, "--json").stdout)
    assert [c["target"] for c in columns] == ["aws-ecs", "azure-container-apps", "gcp-cloud-run", "vm-docker"]
    assert all(c["total"] > 10 and c["parts"]["gateway"] for c in columns)
    table = unmoor("compare", HELLO, "--markdown", "-t", "vm-docker").stdout
    assert table.splitlines()[0] == "| | vm-docker |"


def test_compare_says_why_a_target_refuses_and_goes_on() -> None:
    columns = {c["target"]: c for c in json.loads(unmoor("compare", EVERYTHING, "--json").stdout)}
    assert columns["azure-container-apps"]["refused"]
    assert columns["aws-ecs"]["total"] > 50


def test_init_writes_a_spec_that_every_target_takes_and_never_overwrites(tmp_path: Path) -> None:
    folder = tmp_path / "My Agent"
    assert unmoor("init", str(folder), home=tmp_path).returncode == 0
    assert load(folder).plan.agent == "my-agent"
    assert unmoor("check", str(folder)).stdout.count("accepted") == 4
    again = unmoor("init", str(folder))
    assert (again.returncode, "already exists" in again.stderr) == (2, True)


def test_init_pulumi_writes_a_project_for_the_spec(tmp_path: Path) -> None:
    unmoor("init", str(tmp_path / "agent"))
    done = unmoor("init", str(tmp_path / "agent"), "--pulumi", str(tmp_path / "infra"), "-t", "aws-ecs", "-e", "prod")
    assert done.returncode == 0, done.stderr
    assert 'unmoor:spec: "../agent/unmoor.yaml"' in (tmp_path / "infra" / "Pulumi.prod.yaml").read_text()
    lines = [x for x in (tmp_path / "infra" / "__main__.py").read_text().splitlines() if x]
    assert len(lines) <= 3


OVERRIDES = [
    (
        "{type: 'docker:index/container:Container', name: nothing, set: {memory: 1}}",
        "no resource is docker:index/container:Container nothing",
    ),
    (
        "{type: 'docker:index/container:Container', name: proxy, set: {memori: 1}}",
        "docker:index/container:Container has no input memori",
    ),
    ("{type: 'docker:index/container:Container', name: proxy, set: {memory: 128}}", "memory already has this value"),
    ("{type: 'docker:index/container:Container', name: proxy, set: {'a..b': 1}}", "'a..b' is not a valid input path"),
    (
        "{type: 'docker:index/container:Container', name: proxy, set: {'envs[1000]': a}}",
        "'envs[1000]' is not a valid input path",
    ),
    (
        "{type: 'docker:index/container:Container', name: proxy, set: {memory: {a: 1}}}",
        "the SDK rejects it: Unexpected type; expected a value of type `<class 'int'>` but got a value of type "
        "`<class 'dict'>`; correct the value's type",
    ),
]


@pytest.mark.parametrize(("override", "expected"), OVERRIDES, ids=[e for _, e in OVERRIDES])
def test_an_override_that_does_nothing_is_refused(tmp_path: Path, override: str, expected: str) -> None:
    text = (Path(HELLO) / "unmoor.yaml").read_text()
    text = text.replace("vm-docker: {host: local}", f"vm-docker: {{host: local, overrides: [{override}]}}")
    (tmp_path / "unmoor.yaml").write_text(text)
    done = unmoor("graph", str(tmp_path), "-t", "vm-docker")
    assert done.returncode == 2
    assert "targets.vm-docker.overrides[0]" in done.stderr
    assert expected in done.stderr


def test_an_override_of_the_wrong_type_is_refused_in_one_line_though_others_depend_on_its_resource(
    tmp_path: Path,
) -> None:
    override = "{type: 'aws:ecs/service:Service', name: gateway, set: {desiredCount: {a: 1}}}"
    text = (Path(HELLO) / "unmoor.yaml").read_text()
    text = text.replace("{region: eu-west-1}", f"{{region: eu-west-1, overrides: [{override}]}}")
    (tmp_path / "unmoor.yaml").write_text(text)
    done = unmoor("graph", str(tmp_path), "-t", "aws-ecs")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_an_override_may_be_a_number_with_a_point(tmp_path: Path) -> None:
    override = "{type: 'docker:index/container:Container', name: proxy, set: {memory: 1.5}}"
    text = (Path(HELLO) / "unmoor.yaml").read_text()
    text = text.replace("vm-docker: {host: local}", f"vm-docker: {{host: local, overrides: [{override}]}}")
    (tmp_path / "unmoor.yaml").write_text(text)
    done = unmoor("graph", str(tmp_path), "-t", "vm-docker", "--text")
    assert "memory = 1.5" in done.stdout


def test_an_override_shows_in_the_graph(tmp_path: Path) -> None:
    shown = unmoor("graph", EVERYTHING, "-t", "aws-ecs").stdout
    assert "* enableExecuteCommand is set by overrides" in shown


def test_the_last_example_uses_every_field_that_goes_with_one_harness() -> None:
    others = {"harness.command", "image.build", "secrets.env.config", "secrets.env.file", "secrets.env.existing"}
    written = set(_paths(read_yaml((Path(EVERYTHING) / "unmoor.yaml").read_bytes(), "x").value))
    schema = json_schema()
    declared = set(_fields(schema, schema, ""))
    missing = {d for d in declared - written if not d.startswith(("environments", "targets"))}
    assert missing - others == set()


def _paths(value: object, path: str = "") -> list[str]:
    """Every field that is written; names that the user chose are left out of the path."""
    chosen = path in ("secrets", "tools.mcp_servers") or path.endswith((".headers", ".env", ".when"))
    if isinstance(value, list):
        return [p for item in value for p in _paths(item, path)]
    if not isinstance(value, dict):
        return []
    found: list[str] = []
    for key, member in value.items():
        here = path if chosen else f"{path}.{key}".lstrip(".")
        found += [here, *_paths(member, here)]
    return found


def _fields(schema: dict, node: dict, path: str) -> list[str]:
    """Every field that the schema declares, below models, lists and maps."""
    if "$ref" in node:
        return _fields(schema, schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], path)
    found: list[str] = []
    for branch in node.get("anyOf", []):
        found += _fields(schema, branch, path)
    if isinstance(node.get("items"), dict):
        found += _fields(schema, node["items"], path)
    if isinstance(node.get("additionalProperties"), dict):
        found += _fields(schema, node["additionalProperties"], path)
    for name, member in node.get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        found += [here, *_fields(schema, member, here)]
    return found


def test_another_stack_is_added_to_a_project_and_nothing_else_changes(tmp_path: Path) -> None:
    unmoor("init", str(tmp_path / "agent"))
    command = ("init", str(tmp_path / "agent"), "--pulumi", str(tmp_path / "infra"))
    unmoor(*command, "-t", "aws-ecs", "-e", "dev")
    again = unmoor(*command, "-t", "vm-docker", "-e", "prod")
    assert again.stdout == f"wrote {tmp_path}/infra/Pulumi.prod.yaml\n"
    changed = unmoor(*command, "-t", "vm-docker", "-e", "dev")
    assert changed.returncode == 2
    assert changed.stderr == (
        f"init: {tmp_path}/infra/Pulumi.dev.yaml already exists; remove it, or choose another folder\n"
    )


def test_init_into_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "agent").touch()
    done = unmoor("init", str(tmp_path / "agent"))
    assert (done.returncode, done.stderr) == (1, f"{tmp_path}/agent: File exists\n")


def test_a_graph_is_of_one_target() -> None:
    done = unmoor("graph", HELLO, "-t", "aws-ecs", "-t", "vm-docker")
    assert done.returncode == 2
    assert "one target at a time; unmoor compare takes several" in done.stderr


def test_a_cache_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = unmoor("graph", HELLO, "-t", "vm-docker", cache=tmp_path / "file" / "cache")
    assert done.returncode == 1
    assert done.stderr == (
        f"{tmp_path}/file/cache cannot be written: Not a directory; set UNMOOR_CACHE to a writable folder\n"
    )


def test_a_full_disk_is_one_line() -> None:
    command = [sys.executable, "-c", "from unmoor.cli import main; main()", "plan", EVERYTHING]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "the output: No space left on device\n")


def test_a_spec_whose_name_no_file_can_have_is_one_line() -> None:
    done = unmoor("check", "a" * 300)
    assert done.stderr == f"{'a' * 300}: spec: cannot be read: File name too long; check its permissions\n"
