"""Folders of the cache: made once, and again where they are not as they were left."""

from bsnn_hw.scratch import cache_folder
from bsnn_hw.sim.kept import kept_folder
from tests.for_each import for_each


def damage(path):
    path.write_bytes(path.read_bytes()[:3])


def change(path):
    path.write_text("other")


def remove(path):
    path.unlink()


@for_each("name", ["runtime.h", "runtime.h.gch/O0", "seal.txt"])
@for_each("harm", [damage, change, remove])
def test_what_is_harmed_is_made_again(name, harm, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = []

    def fill(draft):
        made.append(draft)
        (draft / "runtime.h.gch").mkdir()
        for name in ("runtime.h", "runtime.h.gch/O0"):
            (draft / name).write_text(name)

    folder = kept_folder("runtime", ("facts",), fill)
    assert kept_folder("runtime", ("facts",), fill) == folder and len(made) == 1
    harm(folder / name)
    assert kept_folder("runtime", ("facts",), fill) == folder and len(made) == 2
    assert (folder / "runtime.h.gch/O0").read_text() == "runtime.h.gch/O0"
    assert [path.name for path in cache_folder().iterdir()] == [folder.name]


def test_other_facts_have_another_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folders = [kept_folder("runtime", facts, lambda draft: None) for facts in (1, 2)]
    assert folders[0] != folders[1] and all(folder.is_dir() for folder in folders)
