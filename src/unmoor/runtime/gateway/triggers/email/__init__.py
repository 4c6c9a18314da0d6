"""Mail that starts runs: read by IMAP, believed where the receiving server vouches for its sender, answered by SMTP."""
