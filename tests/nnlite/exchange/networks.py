"""Networks with every layer that other libraries know too, each in small."""

import nnlite as nn

NETWORKS = {
    "convolutions": nn.Sequential(
        [
            nn.Conv2D(4, (3, 2)),
            nn.Sigmoid(),
            nn.MaxPool2D((2, 1)),
            nn.Dropout(0.3, rest=0.5),
            nn.Conv2D(3, 2, stride=(1, 2)),
            nn.Tanh(),
            nn.Flatten(),
            nn.Dense(5),
            nn.ReLU(),
            nn.Dense(3),
            nn.Softmax(),
        ],
        input_shape=(9, 8, 2),
    ),
    "same padding": nn.Sequential(
        [nn.Conv2D(3, (4, 3), padding="same"), nn.ReLU(), nn.MaxPool2D(3, stride=2), nn.Flatten(), nn.Dense(2)],
        input_shape=(7, 6, 1),
    ),
    "several in one": nn.Sequential(
        [
            nn.ConvMaxPool2D(nn.Conv2D(4, 3), nn.MaxPool2D(2)),
            nn.ActivationDropout(nn.Sigmoid(), nn.Dropout(0.2)),
            nn.Flatten(),
            nn.DenseActivation(nn.Dense(5), nn.Tanh()),
            nn.DenseActivation(nn.Dense(4), nn.ActivationDropout(nn.Sigmoid(), nn.Dropout(0.2))),
            nn.Dense(3),
        ],
        input_shape=(8, 9, 2),
    ),
    "layers between flattening and weights": nn.Sequential(
        [nn.Conv2D(3, 2), nn.Flatten(), nn.Softmax(), nn.Dropout(0.5), nn.Flatten(), nn.Dense(4), nn.Tanh()],
        input_shape=(4, 3, 2),
    ),
    "rectifiers": nn.Sequential(
        [
            nn.Conv2D(3, 2),
            nn.GELU(),
            nn.Conv2D(3, 2),
            nn.SiLU(),
            nn.LeakyReLU(0.2),
            nn.MaxPool2D(2),
            nn.ELU(0.5),
            nn.Flatten(),
            nn.Dense(4),
        ],
        input_shape=(7, 8, 2),
    ),
    "images at both ends": nn.Sequential([nn.Layer(), nn.Conv2D(3, 2), nn.Softmax()], input_shape=(4, 5, 2)),
    "dense layers alone": nn.Sequential([nn.Flatten(), nn.Dense(4), nn.Sigmoid(), nn.Dense(1)], input_shape=(3, 2, 2)),
    "vectors": nn.Sequential([nn.Dense(4), nn.Tanh(), nn.Flatten(), nn.Dense(2)], input_shape=(3,)),
    "rows of vectors": nn.Sequential([nn.Dense(4), nn.ReLU(), nn.Flatten(), nn.Dense(2)], input_shape=(5, 3)),
    "residual": nn.Sequential(
        [
            nn.Conv2D(4, 3, padding="same"),
            nn.Residual([nn.ReLU(), nn.Conv2D(4, 3, padding="same"), nn.ReLU(), nn.Conv2D(4, 3, padding="same")]),
            nn.Residual([nn.Conv2D(6, 3), nn.Tanh(), nn.MaxPool2D(2)], [nn.Conv2D(6, 3), nn.MaxPool2D(2)]),
            nn.ReLU(),
            nn.Flatten(),
            nn.Residual([nn.Dense(9), nn.ReLU(), nn.Dropout(0.2), nn.Dense(7)], shortcut=nn.Dense(7)),
            nn.Dense(3),
        ],
        input_shape=(9, 8, 2),
    ),
    "parallel": nn.Sequential(
        [
            nn.Parallel([[nn.Conv2D(3, (3, 1)), nn.MaxPool2D(2)], [nn.Conv2D(2, (3, 1)), nn.ReLU(), nn.MaxPool2D(2)]]),
            nn.Parallel([[], nn.Parallel([nn.Sigmoid(), [nn.Conv2D(5, 1), nn.Dropout(0.1)]], merge="sum")]),
            nn.Parallel([nn.Flatten(), [nn.Conv2D(2, 2), nn.Flatten(), nn.Tanh()], [nn.Flatten(), nn.Dense(4)]]),
            nn.Dense(3),
        ],
        input_shape=(8, 7, 2),
    ),
    "branches of flattened images": nn.Sequential(
        [nn.Conv2D(2, 2), nn.Flatten(), nn.Parallel([nn.Tanh(), []], "sum"), nn.Dense(2)], input_shape=(4, 5, 2)
    ),
    "without parameters": nn.Sequential([nn.ReLU(), nn.Dropout(0.5)], input_shape=(3, 2, 2)),
    "nothing": nn.Sequential([], input_shape=(3,)),
}
