"""The HTTP client, server and responses that the gateway and the launcher share."""
