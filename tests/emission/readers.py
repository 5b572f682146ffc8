"""What tools of others say of Verilog; a test that asks for one that is not here is skipped."""

import importlib.util
import shutil
import subprocess
import sys

import pytest

# In a process of its own: at its end the module names all that its bindings have leaked.
_SLANG = """
import sys
from pyslang.driver import Driver
driver = Driver()
driver.addStandardArgs()
assert driver.parseCommandLine(sys.argv[1])
assert driver.processOptions() and driver.parseAllSources()
driver.reportCompilation(driver.createCompilation(), True)
print(driver.diagEngine.numErrors, driver.diagEngine.numWarnings)
"""


def slang(paths, top):
    """How many errors and default warnings slang has; it prints them."""
    if importlib.util.find_spec("pyslang") is None:
        pytest.skip("pyslang is not installed")
    files = " ".join(f'"{path}"' for path in paths)
    result = subprocess.run([sys.executable, "-c", _SLANG, f"slang --top {top} {files}"],
                            capture_output=True, encoding="utf-8")
    print(result.stdout + result.stderr)
    assert result.returncode == 0
    errors, warnings = map(int, result.stdout.splitlines()[-1].split())
    return errors, warnings


def icarus(paths, top, folder):
    """The exit code of Icarus with ``-Wall``, and its lines; it writes into ``folder``."""
    if not shutil.which("iverilog"):
        pytest.skip("Icarus Verilog is not installed")
    result = subprocess.run(["iverilog", "-g2005", "-Wall", "-s", top, "-o", folder / "out",
                             *paths], capture_output=True, text=True)
    # Verilog has no unit of time to inherit here; -Wall says so of each file.
    return result.returncode, [line for line in (result.stdout + result.stderr).splitlines()
                               if "timescale" not in line]
