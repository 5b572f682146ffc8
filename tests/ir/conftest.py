"""Lets the tests of this folder import its helper, and the random networks of tests/reference."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "reference")]
