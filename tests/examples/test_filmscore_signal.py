"""The table that shows where the signal is lost."""

import filmscore_signal


def test_what_is_left_in_each_layer(monkeypatch, capsys):
    monkeypatch.setattr(filmscore_signal, "N_WINDOWS", 48)
    monkeypatch.setattr(filmscore_signal, "STARTS", filmscore_signal.STARTS[::3])
    assert filmscore_signal.main() == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    published, published_gradient, ours, ours_gradient = [[float(v) for v in line[1:]] for line in lines]
    assert len(published) == 7
    assert published[-1] < 0.02 * published[0] and ours[-1] > 0.5 * ours[0]
    assert published_gradient[0] < 0.01 * published_gradient[-1] and ours_gradient[0] > 0.5 * ours_gradient[-1]
