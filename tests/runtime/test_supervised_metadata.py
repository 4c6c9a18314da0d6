"""Modes, times and owners of files: a harness changes its own, and no others, however it names them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from confined import ABIS, confined

from unmoor.runtime.sandbox import landlock

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(landlock.version() < 6, reason="this kernel's Landlock cannot play each older version"),
]

OUTSIDE = "left alone"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The workspace, and a file outside of it that nothing may change."""
    work, outside = tmp_path / "work", tmp_path / "outside"
    work.mkdir()
    outside.write_text(OUTSIDE)
    outside.chmod(0o640)
    os.utime(outside, (1, 2))
    return work, outside


def unchanged(path: Path) -> bool:
    seen = path.stat()
    return (stat.S_IMODE(seen.st_mode), seen.st_atime, seen.st_mtime) == (0o640, 1, 2) and not os.listxattr(path)


@pytest.mark.parametrize("abi", ABIS)
def test_its_own_files_change_as_the_kernel_would_change_them(folders: tuple[Path, Path], abi: int) -> None:
    work, _ = folders
    code = """
open("a", "w").close()
os.symlink("a", "link")
os.mkdir("d")
os.chmod("a", 0o751); os.chmod("d", 0o700); os.utime("a", ns=(10**18 + 1, 2 * 10**18 + 2))
print(oct(os.stat("a").st_mode), os.stat("a").st_atime_ns, os.stat("a").st_mtime_ns)
os.utime("link", (5, 6), follow_symlinks=False)
print(int(os.lstat("link").st_mtime), int(os.stat("a").st_mtime) == 2 * 10**9)
with open("a") as file:
    os.fchmod(file.fileno(), 0o600); os.utime(file.fileno(), (7, 8)); os.fchown(file.fileno(), -1, -1)
    os.chmod(f"/proc/self/fd/{file.fileno()}", 0o640)
    os.chmod(f"/dev/fd/{file.fileno()}", 0o644)
print(oct(os.stat("a").st_mode), int(os.stat("a").st_mtime))
folder = os.open("d", os.O_RDONLY)
os.chmod("../a", 0o604, dir_fd=folder); os.utime("../a", dir_fd=folder)
print(oct(os.stat("a").st_mode), abs(os.stat("a").st_mtime - time.time()) < 60)
os.chmod(os.path.abspath("link"), 0o640)
print(oct(os.stat("a").st_mode))
os.chown("a", os.getuid(), os.getgid()); os.lchown("link", -1, os.getgid())
print(tried(lambda: os.chown("a", 12345, -1)), tried(lambda: os.setxattr("a", "user.x", b"1")))
print(tried(lambda: os.chmod("none", 0)), tried(lambda: os.chmod("", 0)), tried(lambda: os.fchmod(99, 0)))
print(tried(lambda: os.chmod("a/b", 0)), tried(lambda: os.chmod("x" * 5000, 0)))
"""
    seen = confined(code, abi=abi, port=9, work=work).splitlines()
    assert seen == [
        "0o100751 1000000000000000001 2000000000000000002",
        "6 True",
        "0o100644 8",
        "0o100604 True",
        "0o100640",
        "EPERM ENOTSUP",
        "ENOENT ENOENT EBADF",
        "ENOTDIR ENAMETOOLONG",
    ]


@pytest.mark.parametrize("abi", ABIS)
def test_no_name_of_a_file_outside_leads_to_it(folders: tuple[Path, Path], abi: int) -> None:
    work, outside = folders
    code = f"""
path = {str(outside)!r}
os.symlink(path, "link")
os.symlink("..", "up")
folder = os.open("..", os.O_PATH)
handle = os.open(path, os.O_PATH)
names = [path, "../outside", "link", "up/outside", f"/proc/self/fd/{{handle}}", f"/proc/{{os.getpid()}}/cwd/../outside"]
acts = [lambda n=n: os.chmod(n, 0o777) for n in names] + [lambda n=n: os.utime(n) for n in names]
acts += [lambda n=n: os.chown(n, -1, -1) for n in names]
acts += [lambda: os.chmod("outside", 0o777, dir_fd=folder), lambda: os.utime("outside", dir_fd=folder)]
acts += [lambda: os.fchmod(handle, 0o777), lambda: os.utime(handle), lambda: os.setxattr(path, "user.x", b"1")]
acts += [lambda: os.chmod("..", 0o777), lambda: os.chmod("/", 0o777), lambda: os.chmod("/dev/null", 0)]
print(*sorted({{str(tried(act)) for act in acts}}))
"""
    seen = confined(code, abi=abi, port=9, work=work)
    assert set(seen.split()) <= {"EPERM", "ELOOP", "ENOTSUP", "EBADF"}, seen
    assert unchanged(outside)
    assert stat.S_IMODE(Path("/dev/null").stat().st_mode) == 0o666


@pytest.mark.parametrize("abi", ABIS[1:])
def test_a_file_outside_is_not_truncated(folders: tuple[Path, Path], abi: int) -> None:
    """Landlock's first two versions know no truncation: by name, or by an open() that only reads."""
    work, outside = folders
    readable = outside.with_name("readable")
    readable.write_text(OUTSIDE)
    code = f"""
names = [{str(outside)!r}, "../outside", {str(readable)!r}]
acts = [lambda n=n: os.truncate(n, 3) for n in names]
acts += [lambda n=n, m=m: os.open(n, os.O_TRUNC | m) for n in names for m in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, 3)]
how = struct.pack("=QQQ", os.O_TRUNC, 0, 0)
acts += [lambda n=n: call(437, -100, n.encode(), how, 24) for n in names]
print(*sorted({{str(tried(act)) for act in acts}}))
open("own", "w").write("left alone"); os.truncate("own", 4); print(open("own").read())
print(tried(lambda: os.truncate("none", 0)), tried(lambda: os.truncate("own", -1)))
open("own", "w").close(); print(os.stat("own").st_size)
"""
    seen = confined(code, abi=abi, port=9, work=work, readable=[readable]).splitlines()
    assert [outside.read_text(), readable.read_text()] == [OUTSIDE, OUTSIDE]
    assert set(seen[0].split()) <= {"EACCES", "EPERM", "ENOSYS"}
    assert seen[1:] == ["left", "ENOENT EINVAL", "0"]


def test_a_path_that_changes_while_it_is_checked_leads_nowhere_else(folders: tuple[Path, Path]) -> None:
    """A thread swaps the folder for a link, and the text of the path, as fast as it can."""
    work, outside = folders
    code = """
import platform
number = {"x86_64": 268, "aarch64": 53}[platform.machine()]
os.mkdir("d"); open("d/outside", "w").close(); os.symlink("..", "e")
text = ctypes.create_string_buffer(b"d/outside", 64)
done = False
def swap():
    while not done:
        text.value = b"../outside"; text.value = b"d/outside"
        os.rename("d", "f"); os.rename("e", "d"); os.rename("d", "e"); os.rename("f", "d")
thread = threading.Thread(target=swap); thread.start()
counted = {}
for _ in range(3000):
    result = call(number, -100, text, 0o777)
    counted[result] = counted.get(result, 0) + 1
done = True; thread.join()
print(*sorted(map(str, counted)))
"""
    seen = confined(code, abi=6, port=9, work=work)
    assert "0" in seen.split()
    assert unchanged(outside)


def test_archives_unpack_as_everywhere(folders: tuple[Path, Path]) -> None:
    work, _ = folders
    code = """
import io, tarfile
with tarfile.open("a.tar", "w") as made:
    for name, mode in (("one", 0o755), ("two", 0o600)):
        item = tarfile.TarInfo(name); item.mode, item.mtime, item.size = mode, 1_000_000, 1
        made.addfile(item, io.BytesIO(b"x"))
print(subprocess.run(["tar", "-xpf", "a.tar"]).returncode)
print(*(f"{os.stat(n).st_mode:o} {int(os.stat(n).st_mtime)}" for n in ("one", "two")))
"""
    assert confined(code, abi=6, port=9, work=work).splitlines() == ["0", "100755 1000000 100600 1000000"]


WATCHING = """
INIT, MASK = os.O_NONBLOCK | os.O_CLOEXEC, 0x100 | 0x200
def watch(name, mask=MASK, own=None):
    own = LIBC.inotify_init1(INIT) if own is None else own
    result = LIBC.inotify_add_watch(own, os.fsencode(name), mask)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else (own, result)
def names(own):
    data, found = tried(lambda: os.read(own, 4096)), []
    while isinstance(data, bytes) and data:
        length = struct.unpack_from("iIII", data)[3]
        found.append(data[16:16 + length].rstrip(b"\\0").decode())
        data = data[16 + length:]
    return found
"""


@pytest.mark.parametrize("abi", ABIS)
def test_a_harness_watches_what_it_may_read_and_nothing_else(folders: tuple[Path, Path], abi: int) -> None:
    work, outside = folders
    code = f"""
os.mkdir("d"); os.symlink("..", "up"); os.symlink("d", "link")
own, first = watch("d")
again = LIBC.inotify_add_watch(own, b"/usr", MASK)
open("d/one", "w").close(); os.unlink("d/one")
print(names(own), first != again, LIBC.inotify_rm_watch(own, first))
open("d/two", "w").close()
print(names(own), watch("none"), watch("d", own=0), watch("d", own=99), isinstance(watch("link"), tuple))
print(*(watch(name) for name in ("..", "up", {str(outside.parent)!r}, "/dev", f"/proc/{{os.getpid()}}/cwd/..")))
for _ in range(140):
    own = LIBC.inotify_init1(INIT); os.close(own)
print(isinstance(watch("d"), tuple))
"""
    seen = confined(WATCHING + code, abi=abi, port=9, work=work).splitlines()
    assert seen[:2] == ["['one', 'one'] True 0", "[''] ENOENT EINVAL EBADF True"]
    assert set(seen[2].split()) <= {"EACCES", "ELOOP"}
    assert seen[3:] == ["True"]
