"""One file a subject; `ALL` has them in the order of the table."""

from speed.case import Subject
from speed.subjects import (
    feature_chain,
    fourier,
    importing,
    inference,
    scale,
    sound_folder,
    start_up,
    training_convolutional,
    training_dense,
    training_recurrent,
)

ALL: tuple[Subject, ...] = tuple(
    module.SUBJECT
    for module in (
        training_convolutional,
        inference,
        training_dense,
        training_recurrent,
        fourier,
        feature_chain,
        sound_folder,
        importing,
        start_up,
        scale,
    )
)
