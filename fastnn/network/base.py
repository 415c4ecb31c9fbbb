"""What every network is: parts that are wired together."""

from html import escape
from numbers import Integral
from typing import Any, ClassVar, Self

from sklearn import get_config
from sklearn.base import clone

from fastnn.layers.base import Part
from fastnn.network.checks import check_no_circle, described, kind_of
from fastnn.network.drawing import Drawing, draw
from fastnn.network.steps import check_reads, pass_mask, shape_given
from fastnn.network.wiring import Wiring
from fastnn.plan.tape import Tape
from fastnn.utils.named_parts import check_has_options, with_objects


class Network(Wiring):
    """Base class of the networks: what follows from how their parts are wired.

    A network writes down its wiring once, in :meth:`forward`. Its shapes, its plan, the
    table of its parts and its drawing are that wiring with values of other kinds.

    Parts that stand in several places, of one network or of networks within it, are one
    part with one set of weights, and stay so in a clone.
    """

    def output_shape(self, input_shape: Any) -> Any:
        """Shape of one output sample.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one input sample.

        Returns
        -------
        output_shape : tuple of int
            A dict by name where there are several outputs.

        Raises
        ------
        ValueError
            If shapes do not fit.
        """
        if isinstance(input_shape, Integral):
            raise ValueError(
                "input_shape must be the shape of one sample, such as "
                f"({input_shape},), got {input_shape}."
            )
        check_no_circle(self)
        return self.forward(input_shape, shape_given)

    def lower(self, tape: Tape, x: Any, name: str = "") -> Any:
        """Write the ops of all parts; return what the network gives.

        Parameters are named by the way to them: ``"block/dense/kernel"``.
        """
        self._validate_params()
        way = f"{name}/" if name else ""
        return self.forward(
            x, lambda own, part, value: lower_part(tape, part, value, way + own)
        )

    def plot(self, input_shape: Any = None) -> Drawing:
        """Draw the network: its parts as boxes, and what they read as arrows.

        Networks within it are frames, what is not trained is shaded. In a notebook this
        is what a network looks like.

        Parameters
        ----------
        input_shape : tuple of int, default=None
            Shape of one input sample; a dict by name where there are several inputs.
            With it, boxes tell shapes and numbers of parameters.

        Returns
        -------
        drawing : str
            An SVG picture, which notebooks show, and which can be written to a file.

        Raises
        ------
        ValueError
            If the network is not valid, or shapes do not fit.

        Examples
        --------
        >>> from fastnn import Residual, Sequential
        >>> from fastnn.layers import Dense
        >>> drawing = Sequential([Residual(Dense(8, "relu")), Dense(3)]).plot((8,))
        >>> drawing[:4], "72 parameters" in drawing
        ('<svg', True)
        """
        check_no_circle(self)
        return draw(self, input_shape)

    def _repr_html_inner(self) -> str:
        try:
            return self.plot()
        except (TypeError, ValueError):  # there is no drawing of what cannot be
            return f"<pre>{escape(repr(self))}</pre>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle = {"text/plain": repr(self)}
        if get_config()["display"] == "diagram":
            bundle["text/html"] = self._repr_html_inner()
        return bundle

    def __sklearn_clone__(self) -> Self:
        return _copied(self, {})


def lower_part(tape: Tape, part: Part, x: Any, name: str) -> Any:
    """Write the ops of a part, by the name that it has if it was there before."""
    name = tape.name_of(part, name)
    with tape.part(part.trainable, part.learning_rate):
        if isinstance(part, Wiring):
            return part.lower(tape, x, name)
        check_reads(tape, name, part, x)
        y = part.lower(tape, x, name)
        pass_mask(tape, part, x, y)
        return y


def _copied(value: Any, copies: dict[int, Any]) -> Any:
    """As scikit-learn's clone; what stands in several places stays one part."""
    if isinstance(value, list | tuple):
        return type(value)(_copied(each, copies) for each in value)
    if not isinstance(value, Part):
        return clone(value, safe=False)
    if id(value) not in copies:
        copies[id(value)] = None  # until it is made
        own = value.get_params(deep=False).items()
        copies[id(value)] = (
            type(value)(**{name: _copied(each, copies) for name, each in own})
            if isinstance(value, Network)
            else clone(value)
        )
    if copies[id(value)] is None:
        check_no_circle(value)
    return copies[id(value)]


class OnePart(Network):
    """Base class of the networks around one part, which is called "part"."""

    part: Part

    def named_parts(self) -> list[tuple[str, Part]]:
        """The part, which is called "part".

        Returns
        -------
        named : list of (str, Part) tuples

        Raises
        ------
        TypeError
            If it is no part.
        """
        if not isinstance(self.part, Part):
            raise TypeError(
                f"part of a {kind_of(self)} must be a layer or a network, got "
                f"{self.part!r}."
            )
        return [("part", self.part)]

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also those of the part, ``part__units=8``.

        Parameters
        ----------
        **params : dict
            Names and values.

        Returns
        -------
        self : Network

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        return super().set_params(**with_objects(self, params, {}))

    def put(self, position: int, part: Any) -> None:
        """Put another part in the place of the only one.

        Parameters
        ----------
        position : int
            0, as of a list of one.
        part : Layer or Network
        """
        self.part = part


class ListedNetwork(Network):
    """Base class of the networks that list their parts, with names.

    An item of the list is a part, or a tuple of a name, a part and what else there is
    to say. Those without a name are called after their kind and, from the second of a
    kind on, by number. By names ``get_params`` and ``set_params`` reach parameters.
    """

    _list: ClassVar[str]  # the parameter that is the list
    _item: ClassVar[str]  # what its items are, for messages
    _lengths: ClassVar[tuple[int, ...]]  # of an item; a part alone has 1

    def named_parts(self) -> list[tuple[str, Part]]:
        """Name and part of each item of the list.

        Returns
        -------
        named : list of (str, Part) tuples
            A part that stands in several places without names has one name.

        Raises
        ------
        TypeError
            If something else than a part stands in the list.
        ValueError
            If a name is given to two parts, or cannot be one.
        """
        given = [self._checked(*each) for each in enumerate(self._items())]
        owners: dict[str, Part] = {}
        names: dict[int, str] = {}
        for name, part in given:
            if name is not None:
                if name in owners and self._is_taken(part, owners[name]):
                    taken = [name for name, _ in given if name is not None]
                    raise ValueError(
                        f"{self._list} must have names of their own, got {taken}."
                    )
                owners[name] = part
                names.setdefault(id(part), name)
        counts: dict[str, int] = {}
        for _, part in given:
            if id(part) in names:
                continue
            kind = type(part).__name__.lower()
            name = kind
            while name in owners:
                counts[kind] = counts.get(kind, 0) + 1
                name = f"{kind}_{counts[kind]}"
            owners[name] = part
            names[id(part)] = name
        return [
            (names[id(part)] if name is None else name, part) for name, part in given
        ]

    def _is_taken(self, part: Part, owner: Part) -> bool:
        """Whether a part cannot have the name that another place has."""
        return True

    def _items(self) -> Any:
        items = getattr(self, self._list)
        if not isinstance(items, list | tuple):
            raise TypeError(self._message(repr(items)))
        return items

    def _checked(self, position: int, item: Any) -> tuple[str | None, Part]:
        fields = item if isinstance(item, tuple) else (item,)
        if len(fields) not in self._lengths:
            raise TypeError(self._message(f"{described(item)} at position {position}"))
        name, part = (None, item) if len(fields) == 1 else fields[:2]
        if not isinstance(part, Part):
            raise TypeError(self._message(f"{described(part)} at position {position}"))
        if len(fields) == 1:
            return None, part
        if not isinstance(name, str) or not name or "__" in name or "/" in name:
            raise ValueError(
                f"names in {self._list} must be strings without '__' and '/', got "
                f"{name!r} at position {position}."
            )
        if name in self._get_param_names():
            raise ValueError(
                f"an item of {self._list} cannot be named {name!r}: a parameter of "
                f"{type(self).__name__} is. It is at position {position}."
            )
        return name, part

    def _message(self, got: str) -> str:
        return (
            f"{self._list} must be a list of layers and networks, each {self._item}, "
            f"got {got}."
        )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters of the network and, by the names of its parts, of these.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add the parts and their parameters.

        Returns
        -------
        params : dict
        """
        params: dict[str, Any] = {
            name: getattr(self, name) for name in self._get_param_names()
        }
        if not deep:
            return params
        try:
            check_no_circle(self)
            named = self.named_parts()
        except (TypeError, ValueError):  # told where it is used, as by a Pipeline
            return params
        for name, part in named:
            params[name] = part
            for key, value in part.get_params().items():
                params[f"{name}__{key}"] = value
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters of parts, ``dropout__rate=0.5``, or replace whole parts.

        Parameters
        ----------
        **params : dict
            A parameter of the network, a name of a part, or one with a parameter of it.

        Returns
        -------
        self : Network

        Raises
        ------
        ValueError
            If there is no such part, or it has no such parameter.
        """
        for name in self._get_param_names():
            if name in params:
                setattr(self, name, params.pop(name))
        if not params:
            return self
        named = self.named_parts()
        parts = dict(named)
        of_parts: dict[str, dict[str, Any]] = {}
        for key, value in params.items():
            name, _, parameter = key.partition("__")
            if name not in parts:
                raise ValueError(
                    f"Invalid parameter {name!r} for {type(self).__name__}. Its "
                    f"{self._list} are called {sorted(parts)}."
                )
            if parameter:
                of_parts.setdefault(name, {})[parameter] = value
            else:
                parts[name] = value
        for name, values in of_parts.items():
            check_has_options(name, parts[name], *values)
        for position, (name, part) in enumerate(named):
            if parts[name] is not part:
                self.put(position, parts[name])
        for name, values in of_parts.items():
            parts[name].set_params(**values)
        return self

    def put(self, position: int, part: Any) -> None:
        """Put a part in the place of another; what else is said there stays.

        Parameters
        ----------
        position : int
            In the list, of which this makes a new one.
        part : Layer or Network
        """
        items = list(self._items())
        item = items[position]
        named = isinstance(item, tuple)
        items[position] = (item[0], part, *item[2:]) if named else part
        setattr(self, self._list, items)
