"""The HTTP API: authentication, requests, routes."""
