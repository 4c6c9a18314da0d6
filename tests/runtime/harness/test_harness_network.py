"""No harness reaches for anything but the model: no name is looked up, no connection tried, no proxy asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from clis import programs
from jobs import MODELS

pytestmark = pytest.mark.harness

ISOLATED = Path(__file__).parent / "isolated.py"
ALONE = ("unshare", "--user", "--map-root-user", "--net")


@pytest.fixture(scope="module")
def a_network_of_its_own() -> None:
    try:
        tried = subprocess.run([*ALONE, "ip", "link"], capture_output=True, text=True)
    except FileNotFoundError as absent:
        pytest.skip(f"no network of its own can be made here: {absent.filename} is missing")
    if tried.returncode != 0:
        pytest.skip(f"no network of its own can be made here: {tried.stderr.strip()}")


@pytest.mark.usefixtures("a_network_of_its_own")
@pytest.mark.parametrize("harness", [name for name in MODELS if name != "command"])
def test_nothing_but_the_model_is_reached_for(harness: str) -> None:
    programs(harness)
    done = subprocess.run([*ALONE, sys.executable, str(ISOLATED), harness], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said == {"status": "succeeded", "names": [], "connections": [], "proxied": []}


@pytest.mark.usefixtures("a_network_of_its_own")
def test_what_is_reached_for_is_seen() -> None:
    """The proof of the proof: a program that looks up a name and connects is caught at it."""
    program = (
        f"import sys; sys.path.insert(0, {str(ISOLATED.parent)!r}); import isolated, socket\n"
        "isolated.make_the_world_loopback(); seen = []\n"
        "isolated.watch(socket.SOCK_DGRAM, 53, lambda s: seen.append(isolated.question(s.recvfrom(4096)[0])))\n"
        "isolated.watch(socket.SOCK_STREAM, 443, lambda s: seen.append(isolated.accepted(s)))\n"
        "ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "ask.sendto(bytes(12) + b'\\x07example\\x03com\\x00\\x00\\x01\\x00\\x01', ('192.0.2.53', 53))\n"
        "socket.create_connection(('198.51.100.7', 443), timeout=5).recv(1)\n"
        "while len(seen) < 2: pass\n"
        "print(sorted(seen))\n"
    )
    done = subprocess.run([*ALONE, sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "['198.51.100.7:443', 'example.com']", done.stderr
