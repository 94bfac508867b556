"""Every target by its name."""

from __future__ import annotations

import fuzz_dialects
import fuzz_http
import fuzz_parsers
from cutting import Target

TARGETS: dict[str, Target] = {
    **fuzz_parsers.TARGETS,
    **fuzz_http.TARGETS,
    **fuzz_dialects.TARGETS,
}
