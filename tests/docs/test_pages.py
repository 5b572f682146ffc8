"""Pages are reached, links lead somewhere, and commands have the options that they are shown with.
"""

import re
import shlex
import tomllib

import pytest

from bsnn_hw.__main__ import VERBS
from evidence.site import pictures
from evidence.site.docstrings import sections
from evidence.site.verbs import describe, parser_of
from tests.docs.pages import DOCS, PAGES, ROOT, anchors, blocks, commands, links
from tests.for_each import for_each


def test_every_page_is_in_the_contents():
    listed = re.findall(r"(?m)^([a-z_]+)$", (DOCS / "index.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(page.stem for page in DOCS.glob("*.md")
                                    if page.stem != "index")


@for_each("page", PAGES)
def test_links_lead_somewhere(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def all_commands():
    return [(page, command) for page in PAGES for block in blocks(page)
            if block.language in ("console", "sh") for command in commands(block)]


def test_commands_are_found():
    found = [command for _, command in all_commands()]
    assert len(found) > 80
    assert "python -m bsnn_hw.generate model.pt --plan plan.toml" in found


def code_of(parser, arguments):
    """The exit code of a parser that ends the program, 0 where it does not."""
    try:
        parser.parse_args(arguments)
    except SystemExit as end:
        return end.code
    return 0


def test_commands_have_these_options():
    for page, command in all_commands():
        words = shlex.split(command)
        if words[:2] != ["python", "-m"] or words[2] == "bsnn_hw.nn.table":
            continue
        module, arguments = words[2], [word for word in words[3:] if not word.startswith("[")]
        if module.startswith(("bsnn_hw", "evidence")) and not {"MODEL", "OPTION"} & set(words):
            packages = ("bsnn_hw.events", "evidence.proofs")
            parser = parser_of(f"{module}.__main__" if module in packages else module)
            assert code_of(parser, arguments) == 0, f"{page.name}: {command}"


def test_targets_and_extras_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"]
    for page, command in all_commands():
        words = shlex.split(command)
        if words[0] == "make":
            goal = next(word for word in words[1:] if "=" not in word)
            assert re.search(rf"(?m)^{re.escape(goal)}:", makefile), f"{page.name}: {command}"
        for wanted in re.findall(r"bsnn-hw\[([\w,]+)\]", command):
            assert set(wanted.split(",")) <= set(extras), f"{page.name}: {command}"


def test_every_verb_is_in_the_reference():
    text = (DOCS / "verbs.md").read_text(encoding="utf-8")
    for verb in VERBS:
        assert f"## {verb}\n\n```{{verb}} bsnn_hw.{verb}\n" in text


def test_a_verb_described():
    found = describe("bsnn_hw.report")
    assert found.description == "A bundle as one page, in which its circuit runs."
    assert found.usage.startswith("python -m bsnn_hw.report [-h]")
    options = {option.words: option.text for option in found.options}
    assert options["--samples N"] == "samples in the page, at most 1000 (default: 64)"
    assert "-q, --quiet" in options


def test_what_is_no_command_is_said():
    with pytest.raises(ValueError, match=r"tests\.docs\.silent: main must parse its arguments"):
        parser_of("tests.docs.silent")


@pytest.mark.wide
@for_each("name", pictures.PICTURES)
def test_pictures_are_what_the_code_draws(name):
    stored = (DOCS / "pictures" / f"concept_{name}.svg").read_text(encoding="utf-8")
    assert pictures.PICTURES[name]() == stored
    assert "prefers-color-scheme: dark" in stored


@for_each("text, wanted", [
    ("Sum.\n\na : int, bits\nb, c : more\n   of it",
     "Sum.\n\nParameters\n----------\na\n    int, bits\nb, c\n    more\n    of it"),
    ("Sum.\n\nMembers\n-------\na : int\n    None if not",
     "Sum.\n\nAttributes\n----------\na\n    int\n\n    None if not"),
    ("Sum.\n\nRaises\n------\nX\n    y : z", "Sum.\n\nRaises\n------\nX\n    y : z")])
def test_docstrings_as_numpydoc_has_them(text, wanted):
    assert "\n".join(sections(text.splitlines(), "Parameters")).strip() == wanted
