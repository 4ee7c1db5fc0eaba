"""Mel-frequency cepstral coefficients and the steps towards them, each usable alone.

Importing this package loads nothing else: a public name is imported when it is first used. `__init__.pyi` lists them.

>>> import mfcc
>>> mfcc.MFCC().sr
22050.0
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
