"""The HTTP client, server and responses that several services share."""
