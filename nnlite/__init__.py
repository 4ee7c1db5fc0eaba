"""Neural networks on NumPy and numba, without a framework.

Importing this package loads nothing: each public name is looked up in its module when it is first used, so that neither
numba nor a kernel is paid for before it is needed. ``__init__.pyi`` lists the names.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
