"""The code that stands in a document."""

import re
from pathlib import Path

from django.conf import settings

DOCUMENTED = "http://127.0.0.1:8000"


def blocks(language: str, name: str = "api.md") -> list[str]:
    """Return the blocks of a language in docs/."""
    text = Path(settings.BASE_DIR / "docs" / name).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def script(language: str, server: str) -> str:
    """Return all blocks of a language as one script that speaks to `server`."""
    whole = "\n".join(blocks(language))
    assert DOCUMENTED in whole
    return whole.replace(DOCUMENTED, server)
