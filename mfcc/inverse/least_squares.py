"""Non-negative least squares for many right-hand sides at once."""

from __future__ import annotations

import numpy as np

_TOLERANCE = 1e-6


def nonnegative_least_squares(weights: np.ndarray, target: np.ndarray, n_iter: int) -> np.ndarray:
    """Return x >= 0, shape (n, columns), that minimizes |weights @ x - target|^2 in each column; weights are >= 0.

    Projected gradient with momentum and restarts: A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding
    algorithm", SIAM J. Imaging Sci. 2 (2009); B. O'Donoghue and E. Candes, "Adaptive restart for accelerated gradient
    schemes" (2015). Each element has its own step: diag(A'A 1) bounds A'A from above (D. Lee and H. S. Seung,
    "Algorithms for non-negative matrix factorization", 2000), so that a quiet band converges as fast as a loud one.
    """
    from scipy.sparse import csr_array

    a, a_t = csr_array(weights), csr_array(weights.T)
    area = weights.sum(axis=1)
    used = weights.any(axis=0)
    step = np.zeros((weights.shape[1], 1))
    step[used, 0] = 1 / (weights.T @ area)[used]
    level = target / np.where(area > 0, area, 1.0)[:, np.newaxis]
    x = (a_t @ level) / np.where(used, weights.sum(axis=0), 1.0)[:, np.newaxis]
    x = np.maximum(x, 0.0)
    near = _TOLERANCE * x
    z, t = x, np.ones(target.shape[1])
    for _ in range(n_iter):
        new = np.maximum(z - step * (a_t @ (a @ z - target)), 0.0)
        change = new - x
        # where the momentum points uphill it begins anew
        t = np.where(np.sum((z - new)[used] * change[used] / step[used], axis=0) > 0, 1.0, t)
        t_new = (1 + np.sqrt(1 + 4 * t**2)) / 2
        x, z, t = new, new + (t - 1) / t_new * change, t_new
        if (np.abs(change) <= near).all():
            break
    return x
