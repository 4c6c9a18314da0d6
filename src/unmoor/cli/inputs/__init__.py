"""What commands read from options, files and standard input."""
