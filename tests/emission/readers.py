"""What tools of others say of Verilog; a test that asks for one that is not here is skipped."""

import shutil
import subprocess

import pytest


def slang(paths, top):
    """How many errors and default warnings slang has; it prints them."""
    driver = pytest.importorskip("pyslang.driver").Driver()
    driver.addStandardArgs()
    files = " ".join(f'"{path}"' for path in paths)
    assert driver.parseCommandLine(f"slang --top {top} {files}")
    assert driver.processOptions() and driver.parseAllSources()
    driver.reportCompilation(driver.createCompilation(), True)
    return driver.diagEngine.numErrors, driver.diagEngine.numWarnings


def icarus(paths, top, folder):
    """The exit code of Icarus with ``-Wall``, and its lines; it writes into ``folder``."""
    if not shutil.which("iverilog"):
        pytest.skip("Icarus Verilog is not installed")
    result = subprocess.run(["iverilog", "-g2005", "-Wall", "-s", top, "-o", folder / "out",
                             *paths], capture_output=True, text=True)
    # Verilog has no unit of time to inherit here; -Wall says so of each file.
    return result.returncode, [line for line in (result.stdout + result.stderr).splitlines()
                               if "timescale" not in line]
