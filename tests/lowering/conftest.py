"""Lets the tests of this folder import its helpers, models.py and explained.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
