"""Optimizers: how parameters follow their gradients.

An optimizer is a frozen description. What it remembers between steps is a separate dict of arrays that `init` makes
and `update` changes, so a checkpoint of parameters and state is arrays and nothing else.

With g the gradient, lr the learning rate times the schedule's factor, and all operations element by element:

=================  ======================================================================================
`SGD`              ``p -= lr g``
with momentum mu   ``v = mu v + g;  p -= lr v``
with Nesterov      ``v = mu v + g;  p -= lr (g + mu v)``
`Adam`, step t     ``m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g**2;``
                   ``p -= lr (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + epsilon)``
`AdamW`            ``p -= lr weight_decay p``, then as `Adam`
=================  ======================================================================================

The formulas are PyTorch's. Before them, in this order:

- ``clip_norm`` scales all gradients by ``min(1, clip_norm / norm)``, where the norm is that of all gradients together
  (Pascanu et al. 2013);
- ``weight_decay`` adds ``weight_decay * p`` to the gradient of each array with two axes or more; in `AdamW` it acts
  as the table says, on the same arrays. Those are weights; biases and scales, with one axis, don't decay.

`MovingAverage` takes another optimizer and also averages the parameters over the steps;
`GradientAccumulation` does a step of another one after several batches.

Gradients are left as they are. One that is not finite is refused before anything is changed.
"""

from nnlite.optimizers.accumulation import GradientAccumulation
from nnlite.optimizers.adam import Adam, AdamW
from nnlite.optimizers.base import NonFiniteGradient as NonFiniteGradient
from nnlite.optimizers.base import Optimizer
from nnlite.optimizers.moving_average import MovingAverage
from nnlite.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "GradientAccumulation", "MovingAverage", "Optimizer"]
