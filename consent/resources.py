"""Where the folders beside the package are, in a checkout and inside an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """Return the folder *name* (``templates``, ``migrations`` or ``examples``).

    A wheel carries the folders inside the package, a checkout beside it. The package's own is looked for
    first, so that a stranger's ``site-packages/templates`` is never used.
    Raises FileNotFoundError if neither is there.
    """
    for parent in (_PACKAGE, _PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(f"The folder {name}/ is neither in nor beside {_PACKAGE}; install the package again.")
