"""The egress proxy: TLS connections to allowed hosts at public addresses."""
