"""What confines a harness: Landlock and seccomp, and a look at what of it holds."""
