"""Properties that are computed when they are first read."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

_Value = TypeVar("_Value")


class lazy_property(Generic[_Value]):
    """A property that is computed once, into the instance's dict.

    It is `functools.cached_property` without a lock. In Python 3.11 all instances share that lock, and a process that
    is forked while another thread holds it would wait for ever. Two threads may both compute the value.
    """

    def __init__(self, function: Callable[[Any], _Value]) -> None:
        self.function, self.name = function, function.__name__
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> "lazy_property[_Value]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> _Value: ...

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.function(instance)
        return value
