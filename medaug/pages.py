"""HTML pages from the templates of a package."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_page(package: str, template: str, **content: Any) -> str:
    """Fill a template.

    Parameters
    ----------
    package : str
        Whose folder ``templates`` holds it.
    template : str
        Its file name.
    **content
        What the template calls for. Text is escaped, but for ``markupsafe.Markup``; a name that is
        missing is an error.
    """
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**content)
