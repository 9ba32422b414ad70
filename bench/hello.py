"""The bare limit: the smallest Flask application, on the server and with the settings that we use."""

from flask import Flask

app = Flask("hello")


@app.get("/")
def hello() -> str:
    """Say hello."""
    return "hello"
