"""The person's page: its handler over the double, and as a real browser shows it."""

import sys
from pathlib import Path

for _folder in ("layers/core/python", "functions"):  # the handler is that of the checkout this lies in
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / _folder))
