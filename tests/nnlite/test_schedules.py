"""Schedules against their formulas, their ends, and wrong arguments."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite.schedules import Constant, CosineDecay, LinearDecay, OneCycle, ReduceOnPlateau, StepDecay, Warmup

times = st.tuples(st.floats(0, 1), st.integers(1, 1000)).map(lambda pair: (pair[0] * pair[1], pair[1]))


@given(times)
def test_constant(time):
    assert Constant()(*time) == 1.0


@given(times, st.floats(0, 2))
def test_linear_decay(time, final):
    epoch, max_epochs = time
    expected = 1 + (final - 1) * epoch / max_epochs
    assert LinearDecay(final)(epoch, max_epochs) == pytest.approx(expected, abs=1e-12)
    assert LinearDecay(final)(0, max_epochs) == 1.0
    assert LinearDecay(final)(max_epochs, max_epochs) == final  # to the bit


@given(times)
def test_linear_decay_stays_positive_before_the_end(time):
    epoch, max_epochs = time
    assert LinearDecay()(epoch, max_epochs) > 0 or epoch >= max_epochs * (1 - 1e-15)


@given(times, st.floats(0, 2))
def test_cosine_decay(time, final):
    epoch, max_epochs = time
    expected = final + (1 - final) * (1 + math.cos(math.pi * epoch / max_epochs)) / 2
    assert CosineDecay(final)(epoch, max_epochs) == pytest.approx(expected, abs=1e-12)
    assert CosineDecay(final)(0, max_epochs) == 1.0
    assert CosineDecay(final)(max_epochs, max_epochs) == final  # to the bit


@given(times, st.floats(0.01, 0.99), st.floats(0, 1), st.floats(0, 1))
def test_one_cycle(time, rise, start, final):
    epoch, max_epochs = time
    done = epoch / max_epochs
    low, way = (start, done / rise) if done < rise else (final, (1 - done) / (1 - rise))
    expected = low + (1 - low) * (1 - math.cos(math.pi * way)) / 2
    schedule = OneCycle(rise, start, final)
    assert schedule(epoch, max_epochs) == pytest.approx(expected, abs=1e-12)
    assert (schedule(0, max_epochs), schedule(max_epochs, max_epochs)) == (start, final)  # to the bit


def rates_of_torch(make, n_steps):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler, rates = make(torch.optim.lr_scheduler, optimizer), []
    for _ in range(n_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cosine_decay_is_that_of_pytorch():
    theirs = rates_of_torch(lambda kinds, optimizer: kinds.CosineAnnealingLR(optimizer, 40, eta_min=0.05), 41)
    assert [0.5 * CosineDecay(0.1)(step / 10, 4) for step in range(41)] == pytest.approx(theirs, rel=1e-9)


def test_one_cycle_is_that_of_pytorch():
    """Theirs reaches its lowest rate in the last step, ours at the end of it: one step fewer in their count."""
    make = lambda kinds, optimizer: kinds.OneCycleLR(optimizer, 0.5, 41, cycle_momentum=False)  # noqa: E731
    theirs = rates_of_torch(make, 41)
    top = (0.3 * 41 - 1) / 40  # they count the step before the top
    assert [0.5 * OneCycle(top)(step / 10, 4) for step in range(41)] == pytest.approx(theirs, rel=1e-9)


@given(times, st.integers(1, 50), st.floats(0.1, 1.5))
def test_step_decay(time, every, factor):
    epoch, max_epochs = time
    expected = 1.0
    for _ in range(int(epoch) // every):
        expected *= factor
    assert StepDecay(every, factor)(epoch, max_epochs) == pytest.approx(expected, rel=1e-9, abs=1e-300)


losses = st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.35, 0.5, 0.9, math.nan, math.inf]), max_size=30)


@given(losses, st.integers(1, 4), st.sampled_from([0.0, 0.1]), st.sampled_from([0.0, 0.3]), st.floats(0.1, 0.9))
def test_reduce_on_plateau(values, patience, min_delta, lowest, factor):
    schedule = ReduceOnPlateau(factor, patience, None, min_delta, lowest, LinearDecay())
    expected, best, since = 1.0, None, 0
    for epoch, value in enumerate([*values, None]):
        history = [{"loss": 1.0, "val_loss": v} for v in values[:epoch]]
        inner = LinearDecay()(epoch + 0.5, 40)
        assert schedule(epoch + 0.5, 40, history) == pytest.approx(expected * inner, rel=1e-12)
        assert schedule(epoch + 0.5, 40, history + [{"val_loss": 0.0}] * 3) == schedule(epoch + 0.5, 40, history)
        if value is None:
            return
        if not math.isnan(value) and (best is None or value < best - min_delta):
            best, since = value, 0
        else:
            since += 1
        if since == patience:
            expected, since = max(expected * factor, min(expected, lowest)), 0


def test_reduce_on_plateau_is_that_of_pytorch():
    torch = pytest.importorskip("torch")
    values = [0.9, 0.8, 0.85, 0.81, 0.8, 0.7, 0.72, 0.73, 0.74, 0.75, 0.76, 0.77, 0.6]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1, threshold=0)
    schedule = ReduceOnPlateau(0.5, patience=2)
    for epoch in range(len(values)):
        theirs.step(values[epoch])
        rows = [{"val_loss": value} for value in values[: epoch + 1]]
        assert schedule(epoch + 1, 20, rows) == optimizer.param_groups[0]["lr"]


def test_what_a_plateau_is_of():
    rows = [{"loss": 0.5 - epoch / 10, "val_accuracy": 0.5 - epoch / 10} for epoch in range(4)]
    schedule = ReduceOnPlateau(0.5, patience=3)
    assert schedule(4, 9, rows) == 1.0  # the loss falls
    assert ReduceOnPlateau(0.5, 3, "val_accuracy")(4, 9, rows) == 0.5  # so does the accuracy
    with pytest.raises(ValueError, match=r"column: expected one of the history, .'loss', 'val_accuracy'., got 'auc'"):
        ReduceOnPlateau(column="auc")(4, 9, rows)
    with pytest.raises(ValueError, match=r"history: expected a row for each of the 5 epochs that are done, got 4"):
        schedule(5.5, 9, rows)


def test_step_decay_steps_at_the_first_step_of_an_epoch():
    schedule = StepDecay(every=3, factor=0.5)
    epochs = (0, 2, math.nextafter(3, 0), 3, 5.5, 6, 9.9)
    assert [schedule(epoch, 10) for epoch in epochs] == [1, 1, 1, 0.5, 0.5, 0.25, 0.125]


@given(times, st.floats(0.25, 20), st.floats(0, 1))
def test_warmup_multiplies(time, epochs, start):
    epoch, max_epochs = time
    rise = start + (1 - start) * min(1, epoch / epochs)
    expected = rise * LinearDecay(0.1)(epoch, max_epochs)
    assert Warmup(epochs, LinearDecay(0.1), start)(epoch, max_epochs) == pytest.approx(expected, abs=1e-12)
    assert Warmup(epochs)(max_epochs, max_epochs) == pytest.approx(min(1, max_epochs / epochs))


def test_descriptions_are_values():
    assert len({Constant(), Constant(), LinearDecay(), LinearDecay(0.0), StepDecay(5), Warmup(5), Warmup(5)}) == 4
    assert repr(Warmup(5)) == "Warmup(epochs=5, schedule=Constant(), start=0.0)"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LinearDecay(-0.1), "LinearDecay: final: expected a finite number of 0 or more, got -0.1"),
        (lambda: LinearDecay(math.nan), "LinearDecay: final: expected a finite number of 0 or more, got nan"),
        (lambda: CosineDecay(-1), "CosineDecay: final: expected a finite number of 0 or more, got -1"),
        (lambda: OneCycle(1.5), "OneCycle: rise: expected a number from 0 to 1, got 1.5"),
        (lambda: OneCycle(0.0), r"OneCycle: rise: expected a share above 0 and below 1, got 0.0. .* CosineDecay\(\)"),
        (lambda: OneCycle(final=-1), "OneCycle: final: expected a number from 0 to 1, got -1"),
        (lambda: OneCycle()(11, 10), "OneCycle: epoch: expected a number from 0 to max_epochs = 10, got 11"),
        (lambda: ReduceOnPlateau(1.0), "ReduceOnPlateau: factor: expected a number above 0 and below 1, got 1.0"),
        (lambda: ReduceOnPlateau(patience=0), "ReduceOnPlateau: patience: expected a positive integer"),
        (lambda: ReduceOnPlateau(column=3), "ReduceOnPlateau: column: expected a column such as 'val_loss' or None"),
        (lambda: ReduceOnPlateau(min_delta=-1), "ReduceOnPlateau: min_delta: expected a finite number of 0 or more"),
        (lambda: ReduceOnPlateau(lowest=2), "ReduceOnPlateau: lowest: expected a number from 0 to 1, got 2"),
        (lambda: ReduceOnPlateau(schedule=1), r"ReduceOnPlateau: schedule: expected a schedule such as Warmup\(5\)"),
        (lambda: ReduceOnPlateau(schedule=ReduceOnPlateau()), "expected one that does not watch the history"),
        (lambda: Warmup(5, ReduceOnPlateau()), r"Take ReduceOnPlateau\(schedule=Warmup\(5\)\)"),
        (lambda: StepDecay(0), r"StepDecay: every: expected a positive integer \(epochs\), got 0"),
        (lambda: StepDecay(2.5), "StepDecay: every: expected a positive integer"),
        (lambda: StepDecay(True), "StepDecay: every: expected a positive integer"),
        (lambda: StepDecay(2, 0.0), "StepDecay: factor: expected a positive number, got 0. Lower max_epochs"),
        (lambda: StepDecay(2, "half"), "StepDecay: factor: expected a finite number of 0 or more, got 'half'"),
        (lambda: Warmup(0), "Warmup: epochs: expected a positive number, got 0"),
        (lambda: Warmup(5, 0.5), r"Warmup: schedule: expected a schedule such as LinearDecay\(\), got 0.5"),
        (lambda: Warmup(5, start=1.5), "Warmup: start: expected a factor from 0 to 1, got 1.5"),
        (lambda: LinearDecay()(11, 10), "LinearDecay: epoch: expected a number from 0 to max_epochs = 10, got 11"),
        (lambda: Constant()(-1, 10), "Constant: epoch: expected a number from 0 to max_epochs = 10, got -1"),
        (lambda: Constant()(math.nan, 10), "Constant: epoch: expected a number from 0"),
        (lambda: StepDecay(2)(0, 0), "StepDecay: max_epochs: expected a positive number, got 0"),
        (lambda: Warmup(2)(0, math.inf), "Warmup: max_epochs: expected a positive number, got inf"),
    ],
)
def test_errors_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message):
        call()
