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
    r = stats.theilslopes(y, range(n), alpha=0.95)
    add("theil_sen", [n, *y], [r[0], r[2], r[3]])
    if len(set(y)) == n:
        k = stats.kendalltau(range(n), y, method="exact")
        add("mann_kendall", [n, *y], [k.pvalue])


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


print(json.dumps({"source": f"SciPy {scipy.__version__} and definitions", "cases": cases}, indent=0))
