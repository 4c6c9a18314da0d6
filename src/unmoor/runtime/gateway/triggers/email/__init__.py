"""Email that starts runs: read by IMAP, accepted if the receiving server authenticated its sender, answered by SMTP."""
