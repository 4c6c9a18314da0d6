"""The program that the probe runs inside the sandbox: it prints the result of each attempt to escape."""

PROGRAM = """
import ctypes, errno, json, os, resource, socket, sys
known = json.loads(sys.argv[1])
parent, calls = known["parent"], known["calls"]
LIBC = ctypes.CDLL(None, use_errno=True)
def attempt(act):
    try:
        act()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "done"
def call(name, *arguments):
    if name not in calls:
        raise OSError(errno.ENOSYS, name)
    if LIBC.syscall(calls[name], *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)) < 0:
        raise OSError(ctypes.get_errno(), name)
def stream(protocol=0):
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
def listen():
    own = stream()
    own.bind(("127.0.0.1", 0))
    own.listen()
def read_memory():
    buffer = ctypes.create_string_buffer(1)
    piece = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 1)
    call("process_vm_readv", parent, ctypes.byref(piece), 1, ctypes.byref(piece), 1, 0)
def read_forbidden():
    # The first exists; where another does not, there is nothing to read.
    for place, path in enumerate(known["forbidden"]):
        try:
            os.close(os.open(path, os.O_RDONLY))
        except FileNotFoundError:
            if not place:
                raise
        except OSError as error:
            if error.errno != errno.EACCES:
                raise
        else:
            return
    raise OSError(errno.EACCES, "none readable")
def watch():
    own = LIBC.inotify_init1(0)
    if own < 0 or LIBC.inotify_add_watch(own, os.fsencode(os.path.dirname(known["forbidden"][0])), 0x100) < 0:
        raise OSError(ctypes.get_errno(), "watch")
closed, allowed = known["closed"], known["allowed"]
results = {
    "reach": attempt(lambda: stream().connect(("127.0.0.1", allowed))),
    "connect": attempt(lambda: stream().connect(("127.0.0.1", closed))),
    "address": attempt(lambda: stream().connect(("127.0.0.2", allowed))),
    "listen": attempt(listen),
    "datagram": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "multipath": attempt(lambda: stream(262)),
    "fast_open": attempt(lambda: stream().sendto(b"x", 0x20000000, ("127.0.0.1", closed))),
    "environ": attempt(lambda: open(f"/proc/{parent}/environ", "rb").read()),
    "memory": attempt(read_memory),
    "trace": attempt(lambda: call("ptrace", 16, parent, 0, 0)),
    "signal": attempt(lambda: os.kill(parent, 0)),
    "limits": attempt(lambda: resource.prlimit(parent, resource.RLIMIT_NOFILE)),
    "affinity": attempt(lambda: os.sched_setaffinity(parent, os.sched_getaffinity(parent))),
    "priority": attempt(lambda: os.setpriority(os.PRIO_PROCESS, parent, os.getpriority(os.PRIO_PROCESS, parent))),
    "io_priority": attempt(lambda: call("ioprio_set", 1, parent, 0)),
    "keyring": attempt(lambda: call("keyctl", 0, -4, 0)),
    "namespace": attempt(lambda: call("unshare", 0x10000000)),
    "file": attempt(read_forbidden),
    "mode": attempt(lambda: os.chmod(known["forbidden"][0], 0o600)),
    "times": attempt(lambda: os.utime(known["forbidden"][0])),
    "size": attempt(lambda: os.truncate(known["forbidden"][0], os.stat(known["forbidden"][0]).st_size)),
    "attribute": attempt(lambda: os.setxattr(known["forbidden"][0], "user.unmoor", b"1")),
    "watch": attempt(watch),
}
if not known["alone"]:
    # Shared with processes of other runs, unless the container has no others.
    results["terminal"] = attempt(lambda: os.close(os.open("/dev/ptmx", os.O_RDWR)))
    results["shared_memory"] = attempt(lambda: call("shmget", 0, 4096, 0o1600))
    results["datagram_pair"] = attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
print(json.dumps(results))
"""
