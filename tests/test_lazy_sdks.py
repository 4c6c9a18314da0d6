"""Classes of an SDK taken without running the package around them, in processes that have run none of it yet."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def run(code: str) -> list[str]:
    start = "import sys, pulumi_gcp as gcp; from unmoor.program.lazy_sdks import make_sdks_lazy; make_sdks_lazy(); "
    done = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_class_runs_its_own_module_and_not_the_package() -> None:
    code = (
        "print(gcp.compute.URLMap.__module__, gcp.compute.BackendServiceBackendArgs.__module__); "
        "print('pulumi_gcp.compute.instance' in sys.modules)"
    )
    assert run(code) == ["pulumi_gcp.compute.url_map", "pulumi_gcp.compute._inputs", "False"]


def test_a_name_that_no_module_bears_runs_the_package_as_before() -> None:
    code = "print(gcp.compute.__all__ if hasattr(gcp.compute, '__all__') else 'none', hasattr(gcp.compute, 'Nothing'))"
    assert run(code + "; print('pulumi_gcp.compute.instance' in sys.modules)") == ["none", "False", "True"]


def test_a_class_is_the_same_before_and_after_the_package_has_run() -> None:
    code = "before = gcp.compute.Network; hasattr(gcp.compute, 'Nothing'); print(before is gcp.compute.Network)"
    assert run(code) == ["True"]


def test_a_data_source_is_found_by_its_function() -> None:
    code = "print(gcp.organizations.get_client_config_output.__module__, gcp.compute.outputs.__name__)"
    assert run(code) == ["pulumi_gcp.organizations.get_client_config", "pulumi_gcp.compute.outputs"]


def test_config_is_left_alone() -> None:
    assert run("print(gcp.config.project)") == ["None"]
