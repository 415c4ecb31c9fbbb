"""The link to the documentation in an estimator's HTML representation."""

from importlib import metadata


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
