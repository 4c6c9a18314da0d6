"""The names of the system calls that the filter treats alike."""

from __future__ import annotations

IO_URING = ("io_uring_setup", "io_uring_enter", "io_uring_register")
SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
# Calls on the process in the first argument, where 0 is the caller.
OF_A_PROCESS = ("prlimit64", "sched_setparam", "sched_setscheduler", "sched_setaffinity", "sched_setattr")
PRIORITIES = ("setpriority", "ioprio_set")
# Landlock's first version limits these to processes of the same sandbox.
TRACING = ("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise")
PAGES = ("move_pages", "migrate_pages")
# Docker's default profile also refuses most of them with EPERM: https://docs.docker.com/engine/security/seccomp/
ALWAYS = ("add_key", "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd", "process_mrelease")
# Files' modes, times and owners.
METADATA = ("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat")
METADATA += ("utime", "utimes", "futimesat", "utimensat")
TRUNCATION = ("truncate",)
WATCHES = ("inotify_init", "inotify_init1", "inotify_add_watch")
# Programs expect that a file system may not have extended attributes.
ATTRIBUTES = ("setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr")
ATTRIBUTES += ("removexattrat", "file_setattr")
# Shared by all processes of a user.
IPC = ("shmget", "shmat", "semget", "msgget", "mq_open")
