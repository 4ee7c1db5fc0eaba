"""The base of estimators: parameters by name, tags and errors as scikit-learn expects them, without importing it.

Whoever asks an estimator for tags has scikit-learn loaded; it is looked up among the loaded modules and nowhere else.
"""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from nnlite.estimators.metadata_routing import MetadataRequests
from nnlite.estimators.nested import all_parts, with_parts


class NotFittedError(RuntimeError, ValueError, AttributeError):
    """A model was asked for something that only a fitted one has.

    Where scikit-learn is loaded, what is raised is its `NotFittedError` as well.
    """


def not_fitted(message: str) -> NotFittedError:
    """Return the error to raise, of scikit-learn's class too if that is loaded.

    Parameters
    ----------
    message : str
    """
    exceptions = sys.modules.get("sklearn.exceptions")
    if exceptions is None:
        return NotFittedError(message)
    bases = (NotFittedError, exceptions.NotFittedError)
    # A class that is made here can't be found by its name in another process: what travels is the message.
    members = {"__reduce__": lambda error: (not_fitted, error.args), "__doc__": NotFittedError.__doc__}
    return type("NotFittedError", bases, members)(message)


class Estimator(MetadataRequests):
    """Base of classifiers: parameters are the arguments of ``__init__``, which stores them as they are.

    Examples
    --------
    >>> class Rule(Estimator):
    ...     def __init__(self, threshold=0.5, axis=0):
    ...         self.threshold = threshold
    ...         self.axis = axis
    >>> Rule(threshold=2).set_params(axis=1)
    Rule(threshold=2, axis=1)
    """

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        """Return the default of each parameter by name."""
        arguments = list(inspect.signature(cls.__init__).parameters.values())[1:]
        return {argument.name: argument.default for argument in arguments}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return parameters by name.

        Parameters
        ----------
        deep : bool
            Also those of parameters that are estimators, and the fields of optimizers, schedules, losses and layers, as
            ``optimizer__learning_rate`` or ``network__0__units``.
        """
        params = {name: getattr(self, name) for name in self._defaults()}
        if deep:
            for name, value in list(params.items()):
                params |= {f"{name}__{inner}": setting for inner, setting in all_parts(value).items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters by name.

        ``name__parameter`` sets one of an estimator that is a parameter, and ``optimizer__learning_rate`` puts an
        optimizer with another learning rate in the place of the one that is there.

        Parameters
        ----------
        **params

        Raises
        ------
        ValueError
            If there is no such parameter, or an inner one can't have the value.
        """
        known = self._defaults()
        own: dict[str, Any] = {}
        inner: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            head, _, rest = name.partition("__")
            if head not in known:
                raise ValueError(
                    f"{type(self).__name__}: expected one of the parameters {sorted(known)}, got {head!r}."
                )
            if rest:
                inner.setdefault(head, {})[rest] = value
            else:
                own[head] = value
        for name, settings in inner.items():
            own[name] = with_parts(type(self).__name__, name, own.get(name, getattr(self, name)), settings)
        for name, value in own.items():
            setattr(self, name, value)
        return self

    _speaker: str | None = None
    """Name in errors in place of the class's own."""

    @property
    def _name(self) -> str:
        """Name of the estimator as errors begin with it."""
        return self._speaker or type(self).__name__

    def _who(self, method: str) -> str:
        """Return the name of a method as errors begin with it."""
        return f"{self._name}.{method}"

    @contextmanager
    def _speaking_as(self, name: str) -> Iterator[None]:
        """Lend the estimator another name for errors: that of an ensemble which calls its members."""
        self._speaker = name
        try:
            yield
        finally:
            del self._speaker

    def _keep_feature_names(self, names: np.ndarray | None) -> None:
        """Have `feature_names_in_` only if there are names, as scikit-learn wants it."""
        vars(self).pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = names

    def __repr__(self) -> str:
        """Return the call that makes an unfitted copy, without arguments that have their default."""
        values = {name: (getattr(self, name), default) for name, default in self._defaults().items()}
        changed = [f"{name}={value!r}" for name, (value, default) in values.items() if repr(value) != repr(default)]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn (1.6 and newer) asks for: a `sklearn.utils.Tags`."""
        utils = sys.modules["sklearn.utils"]
        return utils.Tags(
            estimator_type="classifier",
            target_tags=utils.TargetTags(required=True),
            classifier_tags=utils.ClassifierTags(multi_label=True),
            input_tags=utils.InputTags(three_d_array=True),
        )
