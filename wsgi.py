"""The WSGI application, for any server."""

from consent.app import create_app

app = create_app()
