"""Exchange with other libraries: ONNX files, and the state dictionaries of PyTorch.

Only numbers and names are exchanged: neither PyTorch nor a runtime is needed. ONNX files need the package onnx alone
(``pip install 'nnlite[onnx]'``).
"""

from nnlite.exchange.onnx_file import to_onnx
from nnlite.exchange.torch_state import from_torch_state_dict, to_torch_state_dict, torch_modules

__all__ = ["from_torch_state_dict", "to_onnx", "to_torch_state_dict", "torch_modules"]
