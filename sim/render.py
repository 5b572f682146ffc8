"""The one Jinja2 environment: templates lay out finished facts and decide nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment", "render"]


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Templates of ``bsnn_hw.templates``; an undefined name is an error, block lines vanish, and
    facts in HTML are escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("bsnn_hw", "templates"),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, **facts: object) -> str:
    """Return ``template`` (a file name in templates/) filled with ``facts``."""
    return environment().get_template(template).render(**facts)
