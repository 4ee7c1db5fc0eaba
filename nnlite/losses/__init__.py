"""Losses: what training makes small, and its gradient with respect to the network's last sums.

A loss takes *logits*: the sums that a final `Softmax` or `Sigmoid` layer would be applied to. The two belong together,
because the logarithm of the loss undoes the exponential of the layer, and what is left neither overflows nor loses the
gradient of a unit that is sure and wrong. ``output_activation`` is the class of the layer that a loss absorbs in this
way.

For a sample with logits z and targets t over K outputs:

======================  =====================================================================  =====================
loss                    per sample                                                             gradient
======================  =====================================================================  =====================
`SoftmaxCrossEntropy`   ``-sum_k t_k log softmax(z)_k``                                        ``softmax(z) - t``
`SigmoidCrossEntropy`   ``-sum_k (t_k log logistic(z_k) + (1 - t_k) log(1 - logistic(z_k)))``  ``logistic(z) - t``
`SquaredError`          ``sum_k (z_k - t_k)**2 / 2``                                           ``z - t``
`AbsoluteError`         ``sum_k |z_k - t_k|``                                                  ``sign(z - t)``
`Huber`                 `SquaredError` up to a difference of delta, `AbsoluteError` beyond     ``z - t``, cut to delta
======================  =====================================================================  =====================

Every loss is a *sum* over its outputs: what a class learns from a sample doesn't depend on how many other classes there
are, and each output of `SigmoidCrossEntropy` learns what a network with that output alone would. (Keras takes the mean,
which divides the gradient by K.) Over samples a loss is weighted as it is told, and divides by nothing.

Arithmetic is in float64 whatever the logits' dtype. NaN in gives NaN out, without a warning. An infinite logit
stands for a probability of 0 or 1; several of plus infinity share the 1 of a softmax equally.
"""

from nnlite.labels import class_weights
from nnlite.losses.base import Loss
from nnlite.losses.cross_entropy import SigmoidCrossEntropy, SoftmaxCrossEntropy
from nnlite.losses.regression import AbsoluteError, Huber, SquaredError

__all__ = [
    "AbsoluteError",
    "Huber",
    "Loss",
    "SigmoidCrossEntropy",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "class_weights",
]
