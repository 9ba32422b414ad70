"""bench/results.md: one section a figure, each replaced by the run that measured it."""

import platform
import re
from pathlib import Path

from consent import clock

RESULTS = Path(__file__).parent / "results.md"
_HEAD = "# Figures\n"


def put(title: str, body: str) -> None:
    """Print the section *title* and put it into bench/results.md in the place of the last one of that title."""
    print(f"## {title}\n\n{body}")
    text = RESULTS.read_text("utf-8") if RESULTS.exists() else _HEAD
    head, *sections = re.split(r"^## ", text if text.startswith(_HEAD) else _HEAD, flags=re.M)
    kept = {part.partition("\n")[0]: f"{part.rstrip()}\n\n" for part in sections}
    kept[title] = f"{title}\n\n{body.strip()}\n\n"
    RESULTS.write_text(
        head.rstrip("\n") + "\n\n" + "".join(f"## {part}" for part in kept.values()).rstrip() + "\n", "utf-8"
    )


def machine() -> str:
    """Return when and on what this was measured, as a sentence has it."""
    return f"{clock.now():%Y-%m-%d}: Python {platform.python_version()}, {platform.machine()}"
