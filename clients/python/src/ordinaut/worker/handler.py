"""Functions that run jobs of a kind."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


class ArgsError(Exception):
    """The arguments of a job are not what its handler takes. Tried again: a deploy may mend it."""


@dataclass(frozen=True)
class Handler:
    """A function of arguments and context, and how it takes the arguments."""

    kind: str
    function: Callable[[Any, Any], Any]
    is_async: bool
    takes: Any
    """The annotation of its first parameter."""
    stalls_after: float | None = None
    """Seconds after which a job is stalled whose progress does not change."""
    cancel_stalled: bool = False

    @classmethod
    def of(
        cls,
        kind: str,
        function: Callable[[Any, Any], Any],
        *,
        stalls_after: float | None = None,
        cancel_stalled: bool = False,
    ) -> Handler:
        parameters = list(inspect.signature(function).parameters.values())
        if len(parameters) != 2:
            raise TypeError(f"the handler of {kind!r} must take args and ctx, and takes {len(parameters)} parameters")
        takes = _resolved(kind, function, parameters[0])
        return cls(kind, function, inspect.iscoroutinefunction(function), takes, stalls_after, cancel_stalled)

    def args(self, args: Any) -> Any:
        """The job's arguments as the function takes them."""
        validate = getattr(self.takes, "model_validate", None)
        try:
            if validate is not None:
                return validate(args)
            if dataclasses.is_dataclass(self.takes) and isinstance(self.takes, type):
                return _read(self.takes, args)
        except (TypeError, ValueError) as error:
            raise ArgsError(f"args are no {self.takes.__name__}: {error}") from error
        return args


def _resolved(kind: str, function: Callable[[Any, Any], Any], parameter: inspect.Parameter) -> Any:
    """The annotation as a type; `from __future__ import annotations` makes a text of it."""
    found = parameter.annotation
    if not isinstance(found, str):
        return found
    inner = inspect.unwrap(function)
    names = dict(inspect.getclosurevars(inner).nonlocals) if inspect.isfunction(inner) else {}
    try:
        return eval(found, getattr(inner, "__globals__", {}), names)
    except NameError as error:
        # Without its type the arguments would come as a dict, to a function that expects a model.
        raise TypeError(f"the handler of {kind!r}: the annotation {found!r} of its args is unknown: {error}") from error


def _read(wanted: type, value: Any) -> Any:
    """A dataclass from an object; fields that it does not have are left out, as a newer producer may send them."""
    if not isinstance(value, Mapping):
        raise TypeError(f"an object is needed, and this is a {type(value).__name__}")
    types = typing.get_type_hints(wanted)
    read = {}
    for field in dataclasses.fields(wanted):
        if field.init and field.name in value:
            inner, given = types[field.name], value[field.name]
            nested = isinstance(inner, type) and dataclasses.is_dataclass(inner) and given is not None
            read[field.name] = _read(inner, given) if nested else given
    return wanted(**read)
