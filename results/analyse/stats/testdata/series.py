"""Reference values for series, from SciPy and from the definitions.

Run as: /usr/bin/python3 series.py > series.json
"""
import json

import numpy as np
import scipy
from scipy import stats

cases = []


def add(f, args, want):
    cases.append({"f": f, "args": [float(a) for a in args], "want": [float(w) for w in want]})


rng = np.random.default_rng(11)
series = [
    list(np.round(rng.normal(0, 1, 12) + 0.2 * np.arange(12), 3)),
    list(np.round(rng.normal(0, 3, 30) + 0.1 * np.arange(30), 0)),
    [5, 3, 4, 6, 8, 7, 9],
    [2, 2, 2, 3, 3, 2, 4, 4, 3, 5, 5, 5],
]
for y in series:
    n = len(y)
    for x in (list(range(n)), list(np.cumsum(1 + (np.arange(n) % 3)))):
        r = stats.theilslopes(y, x, alpha=0.95)
        add("theil_sen", [n, *x, *y], [r[0], r[1], r[2], r[3]])
    if len(set(y)) == n:
        k = stats.kendalltau(range(n), y, method="exact")
        add("mann_kendall", [n, *y], [k.correlation, k.pvalue])


def gesd(values, most, alpha):
    """Rosner's steps."""
    left, out = list(range(len(values))), []
    for _ in range(most):
        v = np.array([values[i] for i in left])
        dev = abs(v - v.mean())
        i, n = int(dev.argmax()), len(left)
        t = stats.t.ppf(1 - alpha / (2 * n), n - 2)
        out += [left[i], dev[i] / v.std(ddof=1), (n - 1) * t / np.sqrt((n - 2 + t * t) * n)]
        del left[i]
    return out


rosner = [-0.25, 0.68, 0.94, 1.15, 1.20, 1.26, 1.26, 1.34, 1.38, 1.43, 1.49, 1.49, 1.55, 1.56, 1.58, 1.65, 1.69, 1.70,
          1.76, 1.77, 1.81, 1.91, 1.94, 1.96, 1.99, 2.06, 2.09, 2.10, 2.14, 2.15, 2.23, 2.24, 2.26, 2.35, 2.37, 2.40,
          2.47, 2.54, 2.62, 2.64, 2.90, 2.92, 2.92, 2.93, 3.21, 3.26, 3.30, 3.59, 3.68, 4.30, 4.64, 5.34, 5.42, 6.01]
add("gesd", [10, 0.05, *rosner], gesd(rosner, 10, 0.05))
add("gesd", [2, 0.01, 1, 2, 3, 4, 100], gesd([1, 2, 3, 4, 100], 2, 0.01))


def run_length(crash, limit, rate):
    """Mean steps to absorption, by summing the chance of still running."""
    alive, total = np.zeros(limit), 0.0
    alive[0] = 1
    while alive.sum() > 1e-15:
        total += alive.sum()
        nxt = np.zeros(limit)
        for s in range(limit):
            nxt[max(0, s - 1)] += alive[s] * (1 - rate)
            if s + crash < limit:
                nxt[s + crash] += alive[s] * rate
        alive = nxt
    return total


for crash, limit, rate in [(1, 3, 0.2), (5, 12, 0.1), (5, 12, 0.4), (9, 20, 0.05)]:
    add("run_length", [crash, limit, rate], [run_length(crash, limit, rate)])


def energy(values, shortest):
    """The best split from all pairwise distances."""
    v, n = np.array(values, float), len(values)
    d, best = abs(v[:, None] - v[None, :]), (-np.inf, 0)
    for k in range(shortest, n - shortest + 1):
        m, r = k, n - k
        e = 2 * d[:k, k:].mean() - d[:k, :k].sum() / (m * (m - 1)) - d[k:, k:].sum() / (r * (r - 1))
        best = max(best, (m * r / n * e, k))
    return [best[1], best[0]]


for shortest in (2, 3):
    for y in series[:2] + [list(np.round(rng.normal(0, 1, 25), 2))]:
        add("energy_split", [shortest, *y], energy(y, shortest))

print(json.dumps({"source": f"SciPy {scipy.__version__} and definitions", "cases": cases}, indent=0))
