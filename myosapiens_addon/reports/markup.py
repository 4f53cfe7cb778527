# SPDX-License-Identifier: GPL-3.0-or-later
"""HTML and SVG put together so that nothing gets in unescaped."""

from __future__ import annotations

from html import escape

# Elements that have no content and no closing tag.
VOID = frozenset({"meta", "img", "br"})


class Markup(str):
    """Text that is HTML already; every other text is escaped where it is put in."""

    __slots__ = ()


def markup(text: str) -> Markup:
    """The text, escaped unless it is HTML already."""
    return text if isinstance(text, Markup) else Markup(escape(text, quote=True))


def joined(*parts: str) -> Markup:
    """Parts one after another, each escaped unless it is HTML."""
    return Markup("".join(markup(part) for part in parts))


def element(name: str, /, *content: str, **attributes: str | float | None) -> Markup:
    """An element.

    Args:
        name: of the element.
        content: texts and elements in it.
        attributes: by name, `_` for `-`, with a `_` at the end where Python has the word for
            itself; None leaves an attribute out, an empty text gives the bare name.
    """
    start = f"<{name}{''.join(_attribute(*pair) for pair in attributes.items())}>"
    if name in VOID:
        return Markup(start)
    return Markup(f"{start}{joined(*content)}</{name}>")


def _attribute(name: str, value: str | float | None) -> str:
    if value is None:
        return ""
    written = name.rstrip("_").replace("_", "-")
    if value == "":
        return f" {written}"
    told = value if isinstance(value, str) else f"{value:g}"
    return f' {written}="{escape(told, quote=True)}"'
