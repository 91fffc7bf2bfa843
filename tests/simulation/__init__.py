"""Hostile histories of the real handlers, on virtual time, judged from outside.

The handlers come from the checkout that this folder lies in, and time zones from the pinned wheel.
"""

import sys
import zoneinfo
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for _folder in (ROOT / "layers" / "core" / "python", ROOT / "functions"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
zoneinfo.reset_tzpath(to=())
