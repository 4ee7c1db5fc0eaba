"""Metadata routing: the arguments that scikit-learn's tools may pass on, such as `sample_weight` and `groups`.

Requests are kept as plain data, so that they can be set before scikit-learn is loaded; whoever asks for them has it.
"""

import inspect
import sys
from typing import Any, Self

METHODS = ("fit", "partial_fit", "score")
"""Methods with arguments beside X and y."""


class Requests(dict[str, dict[str, Any]]):
    """Method -> argument -> request. Never changed: another one takes its place."""

    def __sklearn_clone__(self) -> Self:
        return self


class MetadataRequests:
    """Base of estimators that say which metadata they want."""

    _metadata_request = Requests()
    """Scikit-learn's `clone` copies what has this name."""

    def set_fit_request(self, **requests: bool | str | None) -> Self:
        """Say which metadata `fit` wants from scikit-learn's tools, with ``enable_metadata_routing=True`` there.

        Parameters
        ----------
        **requests
            Name of an argument of the method -> True: pass it on; False: don't; None: fail if it is given; a string: it
            has that name outside.

        Raises
        ------
        TypeError
            If the method has no such argument.
        """
        return self._request("fit", requests)

    def set_score_request(self, **requests: bool | str | None) -> Self:
        """Say which metadata `score` wants, see `set_fit_request`.

        Parameters
        ----------
        **requests
        """
        return self._request("score", requests)

    def get_metadata_routing(self) -> Any:
        """Return what scikit-learn asks for: a `sklearn.utils.metadata_routing.MetadataRequest`."""
        answer = sys.modules["sklearn.utils.metadata_routing"].MetadataRequest(owner=type(self).__name__)
        for method in METHODS:
            said = self._metadata_request.get(method, {})
            for name in self._metadata_of(method):
                getattr(answer, method).add_request(param=name, alias=said.get(name))
        return answer

    def _request(self, method: str, requests: dict[str, Any]) -> Self:
        known = self._metadata_of(method)
        if unknown := sorted(requests.keys() - set(known)):
            raise TypeError(
                f"{type(self).__name__}.set_{method}_request: expected some of {known}, the arguments of {method} "
                f"beside X and y, got {unknown[0]!r}."
            )
        before = self._metadata_request
        self._metadata_request = Requests(before | {method: before.get(method, {}) | requests})
        return self

    def _metadata_of(self, method: str) -> list[str]:
        """Return the arguments of a method beside X and y; none if there is no such method."""
        function = getattr(self, method, None)
        names = [] if function is None else inspect.signature(function).parameters
        return [name for name in names if name not in ("X", "y")]
