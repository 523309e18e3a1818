"""A Sphinx extension: classes are shown with the arguments of their constructor.

MONAI's transforms have a ``__new__`` that takes anything, which autodoc would show instead.
"""

from __future__ import annotations

import inspect
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.inspect import stringify_signature


def _of_constructor(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, shown: str, returned: str
) -> tuple[str, str] | None:
    if what != "class" or shown != "(*args, **kwargs)":
        return None
    signature = inspect.signature(obj.__init__)
    arguments = list(signature.parameters.values())[1:]  # without self
    return stringify_signature(signature.replace(parameters=arguments), show_annotation=False), ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("autodoc-process-signature", _of_constructor)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
