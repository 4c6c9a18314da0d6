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
closed, allowed = known["closed"], known["allowed"]
print(json.dumps({
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
    "file": attempt(lambda: open(known["forbidden"], "rb").read(1)),
}))
"""
