"""The documentation of estimators: what their docstrings share, and the link to it."""

import inspect
import re
from importlib import metadata
from typing import TypeVar

_Class = TypeVar("_Class", bound=type)

# Sections of a class, in their order.
_TITLES = "Parameters", "Attributes", "See Also", "Notes", "References", "Examples"


class DocumentationLink:
    """Links to the documentation that the installed package names.

    That is the address labelled "Documentation" among the ``[project.urls]`` of the
    package. Without one, representations have no link. Classes derived elsewhere have
    none either: scikit-learn asks for the link of their own module.
    """

    _doc_link_module = "fastnn"

    @property
    def _doc_link_template(self) -> str:
        try:
            urls = metadata.metadata("fastnn").get_all("Project-URL") or []
        except metadata.PackageNotFoundError:
            return ""
        for url in urls:
            label, _, address = url.partition(",")
            if label.strip().lower() == "documentation":
                # It is formatted, as scikit-learn's is with the name of the class.
                return address.strip().replace("{", "{{").replace("}", "}}")
        return ""


def documented(cls: _Class) -> _Class:
    """Complete the docstring of a class by those of its bases in this package.

    A section that it lacks is that of the nearest base. "Parameters" and "Attributes"
    are put together from the entries of all; of two with one name, that of the nearer
    class holds. Parameters stand in the order of the signature, attributes in that of
    the classes, each where the farthest class says that has it.
    """
    if cls.__doc__ is None:  # python -OO
        return cls
    package = __name__.partition(".")[0]
    near_to_far = [
        _sections(each.__doc__)
        for each in cls.__mro__
        if each.__doc__ and each.__module__.partition(".")[0] == package
    ]
    merged: dict[str, str] = {}
    for sections in reversed(near_to_far):
        merged |= sections
    parameters = _entries_of_all("Parameters", near_to_far)
    names = inspect.signature(cls).parameters
    merged["Parameters"] = "\n\n".join(parameters[name] for name in names)
    attributes = _entries_of_all("Attributes", near_to_far)
    merged["Attributes"] = "\n\n".join(attributes.values())
    text = [near_to_far[0][""]]
    for title in _TITLES:
        if merged.get(title):
            text.append(f"{title}\n{'-' * len(title)}\n{merged[title]}")
    cls.__doc__ = "\n\n".join(text) + "\n"
    return cls


def _sections(docstring: str) -> dict[str, str]:
    """Text by the title above it; the beginning has the title ""."""
    parts = re.split(r"^(\S.*)\n-+\n", inspect.cleandoc(docstring), flags=re.M)
    titles = ["", *parts[1::2]]
    return dict(zip(titles, (part.strip() for part in parts[::2]), strict=True))


def _entries_of_all(title: str, near_to_far: list[dict[str, str]]) -> dict[str, str]:
    """Entries of a section by what stands before their colon."""
    found: dict[str, str] = {}
    for sections in near_to_far:
        section = sections.get(title)
        for entry in re.split(r"\n+(?=\S)", section) if section else []:
            name = entry.partition(" :")[0]
            # The text is the nearest, the place the farthest.
            found[name] = found.pop(name, entry)
    return found
