"""Named tuples whose classes cost little to make.

`typing.NamedTuple` compiles the annotation of each field when the class is made, which is most of what making it takes:
for the classes of the checker a tenth of the time of `flowdsl check`. Here annotations stay the text that they are.
"""

from __future__ import annotations

from collections import namedtuple
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    def _check(name: str, fields: list[str], namespace: dict[str, Any]) -> None:
        """Raise TypeError for what would make a tuple with other values, or methods that fail when they are called."""
        for field, following in pairwise(fields):
            if field in namespace and following not in namespace:
                raise TypeError(f"{name}: field {following} needs a default, as {field} before it has one")
        if "__classcell__" in namespace:
            raise TypeError(f"{name}: methods of a NamedTuple cannot use super() or __class__; name the tuple's method")

    class _Type(type):
        def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
            if not bases:
                return super().__new__(mcs, name, bases, namespace)
            fields = namespace.get("__annotations__", {})
            _check(name, [*fields], namespace)
            defaults = [namespace[each] for each in fields if each in namespace]
            cls = namedtuple(name, fields, defaults=defaults, module=namespace["__module__"])
            for key, value in namespace.items():
                if key not in fields and key not in ("__module__", "__dict__", "__weakref__"):
                    setattr(cls, key, value)
            return cls

    class NamedTuple(metaclass=_Type):
        """The base of a class of tuples with named fields, as `typing.NamedTuple`."""
