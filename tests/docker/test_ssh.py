"""An agent deployed onto this machine's Docker by way of a server for ssh on its loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from deployed import Deployed
from facts import fact
from secure_shell import Way, sshd
from specs import spec


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory, engine: None) -> Iterator[Way]:
    with sshd(tmp_path_factory.mktemp("ssh") / "way") as found:
        yield found


def test_it_is_deployed_by_ssh_with_the_options_that_are_given(
    way: Way, images: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {"host": way.host, "ssh_opts": way.options, "caddy_image": images[1], "proxy": "none"}
    made = spec(
        "byssh", *images, gateway={"min": 1, "max": 1}, targets={"vm-docker": settings}, triggers=[], secrets={}
    )
    agent = Deployed(home=tmp_path_factory.mktemp("byssh"), spec=made)
    try:
        said = agent.up()
        fact(f"up by ssh from nothing, with its images: {said.seconds:.1f} s")
        with agent.asked() as ask:
            assert ask.reached(ask.start("true"))["status"] == "succeeded"
        assert "byssh in default on vm-docker: no changes" in agent.up().out.splitlines()
        (way.folder / "known").write_text("")
        said = agent.unmoor("refresh", check=False)
        assert said.code == 1
        assert "Host key verification failed" in said.all
    finally:
        way.know((way.folder / "host.pub").read_text())
        agent.remove()
