"""Every backend keeps the store's contract."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from unmoor.runtime.errors import ConfigurationError, TransientError
from unmoor.runtime.store import Store, local, open_store
from unmoor.runtime.store.local import LocalStore

RACERS = 20


def test_an_object_that_is_not_there_is_none(store: Store) -> None:
    assert asyncio.run(store.get("runs/a/run.json")) is None


def test_create_puts_what_is_absent_and_changes_nothing_that_is_there(store: Store) -> None:
    async def scenario() -> None:
        assert await store.put_if_absent("runs/a/run.json", b"first")
        assert await store.put_if_absent("runs/a/run.json", b"second") is None
        stored = await store.get("runs/a/run.json")
        assert stored is not None
        assert stored.content == b"first"

    asyncio.run(scenario())


def test_create_gives_the_version_that_replace_names(store: Store) -> None:
    async def scenario() -> None:
        first = await store.put_if_absent("runs/a/run.json", b"1")
        assert first is not None
        second = await store.compare_and_swap("runs/a/run.json", b"2", first)
        assert second is not None
        assert await store.compare_and_swap("runs/a/run.json", b"3", first) is None
        third = await store.compare_and_swap("runs/a/run.json", b"3", second)
        assert third is not None
        stored = await store.get("runs/a/run.json")
        assert stored is not None
        assert (stored.content, stored.version) == (b"3", third)

    asyncio.run(scenario())


def test_create_gives_its_own_version_though_another_replaces_it_at_once(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    synced = local._sync_folder

    def replaced_meanwhile(folder: Path) -> None:
        synced(folder)
        found = store._get("budget/day.json")
        if found and found.content == b"mine":
            assert store._replace("budget/day.json", b"theirs", found.version)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "_sync_folder", replaced_meanwhile)
        mine = store._create("budget/day.json", b"mine")
    assert mine is not None
    assert store._replace("budget/day.json", b"mine again", mine) is None


def test_replace_never_brings_back_what_was_deleted(store: Store) -> None:
    async def scenario() -> None:
        version = await store.put_if_absent("queue/a", b"1")
        assert version is not None
        await store.delete("queue/a")
        await store.delete("queue/a")
        assert await store.compare_and_swap("queue/a", b"2", version) is None
        assert await store.get("queue/a") is None

    asyncio.run(scenario())


def test_put_overwrites_and_invalidates_versions(store: Store) -> None:
    async def scenario() -> None:
        version = await store.put_if_absent("runs/a/run.json", b"1")
        assert version is not None
        newer = await store.put("runs/a/run.json", b"2")
        assert await store.compare_and_swap("runs/a/run.json", b"3", version) is None
        assert await store.compare_and_swap("runs/a/run.json", b"3", newer) is not None

    asyncio.run(scenario())


def test_a_listing_is_sorted_complete_and_bounded_by_its_prefix(store: Store) -> None:
    async def scenario() -> None:
        for key in ("runs/b/run.json", "runs/a/run.json", "runs/a/events/1", "runs-of-old/x", "queue/a"):
            await store.put(key, key.encode())
        entries = [e async for e in store.list("runs/")]
        assert [e.key for e in entries] == ["runs/a/events/1", "runs/a/run.json", "runs/b/run.json"]
        assert entries[0].size_bytes == len("runs/a/events/1")
        assert entries[0].modified.tzinfo is not None
        assert [e.key async for e in store.list("runs/", after="runs/a/events/1")] == [
            "runs/a/run.json",
            "runs/b/run.json",
        ]
        assert [e async for e in store.list("nothing/")] == []

    asyncio.run(scenario())


def test_a_listing_is_complete_beyond_a_page(store: Store) -> None:
    async def scenario() -> list[str]:
        await asyncio.gather(*(store.put(f"queue/{i:05}", b"") for i in range(1100)))
        return [e.key async for e in store.list("queue/")]

    assert asyncio.run(scenario()) == [f"queue/{i:05}" for i in range(1100)]


def test_of_twenty_who_create_one_wins(opened: Callable[[], Store]) -> None:
    async def scenario() -> list[str | None]:
        stores = [opened() for _ in range(RACERS)]
        return await asyncio.gather(*(s.put_if_absent("queue/x", str(i).encode()) for i, s in enumerate(stores)))

    assert sum(v is not None for v in asyncio.run(scenario())) == 1


def test_of_twenty_who_swap_one_wins(opened: Callable[[], Store]) -> None:
    async def scenario() -> list[str | None]:
        stores = [opened() for _ in range(RACERS)]
        version = await stores[0].put_if_absent("runs/x/run.json", b"-")
        assert version is not None
        return await asyncio.gather(
            *(s.compare_and_swap("runs/x/run.json", str(i).encode(), version) for i, s in enumerate(stores))
        )

    assert sum(v is not None for v in asyncio.run(scenario())) == 1


def test_twenty_who_count_lose_no_count(opened: Callable[[], Store]) -> None:
    async def add_one(store: Store) -> None:
        while True:
            stored = await store.get("budget/day")
            assert stored is not None
            if await store.compare_and_swap("budget/day", str(int(stored.content) + 1).encode(), stored.version):
                return

    async def scenario() -> bytes:
        stores = [opened() for _ in range(RACERS)]
        await stores[0].put_if_absent("budget/day", b"0")
        await asyncio.gather(*(add_one(s) for s in stores))
        stored = await stores[0].get("budget/day")
        assert stored is not None
        return stored.content

    assert asyncio.run(scenario()) == b"20"


def test_files_go_up_and_come_down_whole(store: Store, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096 * 12  # 12 MiB: more than one part of a multipart upload
    (tmp_path / "up").write_bytes(content)

    async def scenario() -> None:
        await store.upload("sessions/a/state.tar.zst", tmp_path / "up")
        assert await store.download("sessions/a/state.tar.zst", tmp_path / "down")
        assert not await store.download("sessions/b/state.tar.zst", tmp_path / "none")

    asyncio.run(scenario())
    assert (tmp_path / "down").read_bytes() == content


RACER = """
import asyncio, sys
from unmoor.runtime.store import open_store
async def main():
    store = open_store(sys.argv[1])
    won = await store.put_if_absent("queue/x", sys.argv[2].encode())
    for _ in range(10):
        while True:
            stored = await store.get("budget/day")
            if await store.compare_and_swap("budget/day", str(int(stored.content) + 1).encode(), stored.version):
                break
    print("won" if won else "lost")
asyncio.run(main())
"""


def test_a_folder_is_a_store_between_processes_too(tmp_path: Path) -> None:
    url = (tmp_path / "store").as_uri()
    store = open_store(url)
    asyncio.run(store.put("budget/day", b"0"))
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, url, str(i)], stdout=subprocess.PIPE, text=True)
        for i in range(6)
    ]
    said = [r.communicate(timeout=60)[0].strip() for r in racers]
    stored = asyncio.run(store.get("budget/day"))
    assert stored is not None
    assert sorted(said) == ["lost"] * 5 + ["won"]
    assert stored.content == b"60"


def test_a_folder_that_cannot_be_written_is_a_fault_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with pytest.raises(TransientError, match=r"^store /.+: runs/a: .+$"):
        asyncio.run(open_store((tmp_path / "store").as_uri()).put("runs/a", b""))


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://x/y", "store: 'ftp://x/y' is not a store; write one of s3://, gs://, az://, file://, memory://"),
        ("file://host/y", "store: 'file://host/y' is not a folder of this machine; write file:///an/absolute/path"),
        (
            "az://container",
            "store: 'az://container' has no account; write az://CONTAINER@ACCOUNT.blob.core.windows.net",
        ),
    ],
)
def test_a_url_that_is_no_store_is_refused(url: str, text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        open_store(url)
    assert str(raised.value) == text


@pytest.mark.parametrize("name", ["with space", "ünï", "a#b", "a?b", "a%20b", "100%"])
def test_a_folder_of_any_name_is_a_store_by_its_url(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    asyncio.run(open_store(folder.as_uri()).put("key", b"x"))
    assert (folder / "key").read_bytes() == b"x"


@pytest.mark.parametrize("url", ["file:///a#b", "file:///a?b"])
def test_a_folder_whose_url_says_something_else_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"write \? as %3F and # as %23$"):
        open_store(url)
