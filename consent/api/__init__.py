"""The JSON API, one resource a file, its schemas beside it. Described at /api/openapi.json."""
