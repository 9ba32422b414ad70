"""How a backup is put back, by the commands that docs/operating.md gives."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.postgres import programs


def restore_file(backup: Path, into: Path) -> str:
    """Put a backup of SQLite in the place *into*, and return its URL."""
    shutil.copy(backup, into)
    return f"sqlite:///{into}"


def restore_dump(backup: Path, url: str) -> str:
    """Fill the new and empty database at *url* from a backup of PostgreSQL, and return the URL."""
    command = ["pg_restore", "--no-owner", "--single-transaction", "--exit-on-error", f"--dbname={url}", str(backup)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PATH": with_programs()})
    return url


def with_programs() -> str:
    """Return a PATH on which the server's programs are found."""
    return f"{programs()}:{os.environ['PATH']}"
