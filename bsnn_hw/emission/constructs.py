"""The Verilog of a bundle holds nothing but what this program writes.

Yosys and Verilator do what a source tells them: ``$system`` runs a program, `` `include`` and
``$readmemh`` open files, an imported function is linked, a comment may be an order to a tool, and
a module that no source defines is looked for in the folder where they run. The emitted Verilog
needs none of these, so what is allowed is short: of comments, the header alone, whose lines no tool
takes for an order (`bsnn_hw.verilog.header`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bsnn_hw.errors import InputError
from bsnn_hw.verilog.header import HEADER
from bsnn_hw.verilog.naming import RESERVED

__all__ = ["check_constructs"]

KEYWORDS = frozenset({"module", "endmodule", "input", "output", "wire", "reg", "signed", "assign",
                      "initial", "always", "posedge", "begin", "end", "if", "else"})

# Most of a large file is rows of memories, a statement each.
_MEMORY_ROW = re.compile(r"^ *\w+\[\d+\] = \d+'[hd][0-9a-f]+;$", re.MULTILINE | re.ASCII)
_TOKEN = re.compile(r"""
    (?P<word> [A-Za-z_]\w*)
  | \d+'[bdh][0-9a-fx]+ | \d+
  | \$signed\b
  | \\\w+\[\d+(?::\d+)?\][ ]                                    # the register of a part of one
  | \(\*[ ](?:init[ ]=[ ]\d+'[bdh][0-9a-fx]+ | r[ao]m_style[ ]=[ ]"(?:block|logic)"
      | syn_r[ao]mstyle[ ]=[ ]"(?:block_r[ao]m|logic)" | use_dsp[ ]=[ ]"yes"
      | syn_multstyle[ ]=[ ]"block_mult")[ ]\*\)
  | (?P<foreign> [$\\`"]\w+ | // | /\* | \(\* )
  | [-+*&|^~!?:;,.=<>@(){}\[\]\s]
  | (?P<other> .)
""", re.VERBOSE | re.ASCII)
_MODULE = re.compile(r"\bmodule\s+(\w+)", re.ASCII)
_INSTANCE = re.compile(r"\b([A-Za-z_]\w*)\s+(?:[A-Za-z_]\w*\s*|\\\S+\s+)[(\[]", re.ASCII)


def check_constructs(paths: Iterable[Path]) -> None:
    """Refuse Verilog with anything in it that this program does not write.

    Raises
    ------
    InputError
        Names the file and the line.
    """
    texts = {path: _without_rows(path.read_bytes().decode("ascii", "replace")) for path in paths}
    defined = {name for text in texts.values() for name in _MODULE.findall(text)}
    for path, text in texts.items():
        found = _foreign(text, defined)
        if found:
            offset, what = found
            line = text.count("\n", 0, offset) + 1
            raise InputError(f"{path}, line {line}: must hold only what this program writes, not "
                             f"{what[:40]!r}; take it out, or generate the bundle again")


def _without_rows(text: str) -> str:
    """``text`` without its header and rows of memories, in the same lines."""
    text = HEADER.sub(lambda header: "\n" * header[0].count("\n"), text)
    return _MEMORY_ROW.sub("", text)


def _foreign(text: str, defined: set[str]) -> tuple[int, str] | None:
    """Where the first foreign construct is and what it is; None without one."""
    for token in _TOKEN.finditer(text):
        word, foreign = token["word"], token["foreign"] or token["other"]
        if foreign or (word in RESERVED and word not in KEYWORDS):
            return token.start(), token[0]
    for instance in _INSTANCE.finditer(text):
        if instance[1] not in KEYWORDS and instance[1] not in defined:
            return instance.start(), instance[1]
    return None
