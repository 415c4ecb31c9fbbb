"""Parameters that are an object or its name, and the options of what a name means."""

from collections.abc import Callable, Mapping
from typing import Any

from sklearn.base import BaseEstimator


def with_objects(
    owner: BaseEstimator,
    params: dict[str, Any],
    makers: Mapping[str, Callable[[str], Any]],
) -> dict[str, Any]:
    """Parameters for ``set_params``, with objects for names of which options are set.

    Parameters
    ----------
    owner : BaseEstimator
        Whose parameters they are.
    params : dict
        Names and values; ``loss__delta`` is an option of the parameter ``loss``.
    makers : mapping of str to callable
        For each parameter that may be a name, what makes an object of it.

    Returns
    -------
    params : dict

    Raises
    ------
    ValueError
        If an option is set of something that has none, such as None.
    """
    objects: dict[str, Any] = {}
    own = owner.get_params(deep=False)
    for key in params:
        part, nested, option = key.partition("__")
        if not nested or part not in own or part in objects:
            continue
        value = params.get(part, own[part])
        if isinstance(value, str) and part in makers:
            value = makers[part](value)
        check_has_options(part, value, option)
        objects[part] = value
    return {**params, **objects}


def check_has_options(name: str, value: Any, *options: str) -> None:
    """Refuse options of what has none, such as a number.

    Raises
    ------
    ValueError
    """
    if isinstance(value, type) or not hasattr(value, "set_params"):
        raise ValueError(
            f"{name}__{options[0]} sets the option {options[0]!r} of {name}={value!r}, "
            f"which has no options. Set {name} to an object that has it first, or in "
            "the same call."
        )
