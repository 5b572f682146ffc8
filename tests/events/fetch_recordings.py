"""``python tests/events/fetch_recordings.py FOLDER``: real recordings out of source packages.

tonic 1.4.3 (GPL-3.0) and faery 0.7.1 (LGPL-3.0) ship a few for their own tests; their licences do
not allow them to be copied into this repository.  pip unpacks a package's source before it finds
that it cannot be built here, which is all that is needed.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGES = {"tonic==1.4.3": ("sample_nmnist.bin", "sample_ncars.dat", "sample.aedat4"),
            "faery==0.7.1": ("evt2.raw", "evt3.raw", "davis346.aedat4")}


def fetch(package, names, folder):
    """Copy the files of these names out of the package's source."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-clean",
             "--no-binary", ":all:", "--no-build-isolation", "--dest", scratch, package],
            env={**os.environ, "TMPDIR": scratch}, stderr=subprocess.DEVNULL)
        for archive in Path(scratch).glob("*.tar.gz"):
            with tarfile.open(archive) as source:
                source.extractall(scratch, filter="data")
        for name in names:
            found = next(Path(scratch).rglob(name), None)
            if found is None:
                sys.exit(f"{package}: must ship {name}, and does not")
            shutil.copy(found, folder / name)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for package, names in PACKAGES.items():
        fetch(package, names, target)
