"""The comment that every emitted file of Verilog begins with.

Tools take orders in comments (``// synthesis …``, ``/* verilator … */``), and some names are the
user's.  So each line begins with a word of ours, and has none of the characters that end a comment,
begin another or go on in the next line.
"""

from __future__ import annotations

import re

from bsnn_hw import __version__

__all__ = ["HEADER", "YOURS", "file_header", "plain_text"]

YOURS = "is yours, under whatever terms you choose"

_WORDS = "Module|Network|Layer|From|Written"
HEADER = re.compile(rf"\A(?://[ ](?:{_WORDS})[ ][A-Za-z0-9 _.,:;()+/='-]*\n)+")


def plain_text(text: str) -> str:
    """``text`` in one line, without characters that a header must not have."""
    return re.sub(r"[^A-Za-z0-9 _.,:;()+/='-]", "", " ".join(text.split())).rstrip()


def file_header(module: str, about: str, note: str) -> str:
    """Lines of the header.

    about : what the module is; note : what it belongs to, beginning with a word of ours; either may
    be empty
    """
    lines = [f"Module {module}" + (f": {about}" if about else ""), note,
             f"Written by bsnn-hw {__version__}; what it writes {YOURS}."]
    text = "".join(f"// {plain_text(line)}\n" for line in lines if line)
    assert HEADER.fullmatch(text), text
    return text
