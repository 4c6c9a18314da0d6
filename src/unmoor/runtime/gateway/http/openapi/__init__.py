"""The API's description for tools, as OpenAPI 3.1."""
