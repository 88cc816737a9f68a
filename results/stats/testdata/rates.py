"""Reference values for rates and 2x2 tables, from SciPy.

Run as: /usr/bin/python3 rates.py > rates.json
Tables are given as (events, trials) of the first and of the second arm.
"""
import json

import scipy
from scipy import optimize, stats

cases = []


def add(f, args, want):
    cases.append({"f": f, "args": [float(a) for a in args], "want": [float(w) for w in want]})


for k, n in [(0, 1), (1, 1), (0, 5), (2, 2), (1, 3), (3, 10), (0, 30), (29, 30), (20, 100), (3, 1000), (700, 1000), (7, 100000), (50000, 100000)]:
    for conf in (0.9, 0.95, 0.99):
        r = stats.binomtest(k, n)
        add("clopper_pearson", (k, n, conf), r.proportion_ci(conf, "exact"))

tables = [(0, 5, 2, 2), (0, 4, 4, 4), (0, 5, 5, 5), (1, 5, 4, 6), (2, 7, 5, 9), (7, 34, 1, 34), (5, 6, 0, 4),
          (3, 8, 3, 8), (1, 20, 9, 15), (10, 12, 11, 20), (0, 10, 1, 10), (12, 40, 25, 41)]


def score_interval(x1, n1, x2, n2):
    """Miettinen & Nurminen (1985) from the definition: the constrained
    estimate by numeric maximisation, the ends by root finding."""
    d, z, n = x1 / n1 - x2 / n2, stats.norm.ppf(0.975), n1 + n2

    def excess(delta):
        lo, hi = max(0.0, -delta), min(1.0, 1 - delta)

        def score(p2):
            p1 = p2 + delta
            return (x1 / max(p1, 1e-200) if x1 else 0) - ((n1 - x1) / max(1 - p1, 1e-200) if n1 > x1 else 0) + (x2 / max(p2, 1e-200) if x2 else 0) - (
                (n2 - x2) / max(1 - p2, 1e-200) if n2 > x2 else 0)

        e = 1e-13 * (hi - lo)
        if score(lo + e) <= 0:
            p2 = lo
        elif score(hi - e) >= 0:
            p2 = hi
        else:
            p2 = optimize.brentq(score, lo + e, hi - e, xtol=1e-15, rtol=1e-14)
        p1 = p2 + delta
        return (d - delta) ** 2 - z * z * n / (n - 1) * (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)

    ends = []
    for end in (-1.0, 1.0):
        near = end * (1 - 1e-12)
        if d == end or excess(near) <= 0:
            ends.append(end)
        else:
            ends.append(optimize.brentq(excess, d + end * 1e-9, near, xtol=1e-14))
    return ends


for x1, n1, x2, n2 in tables:
    t = [[x1, x2], [n1 - x1, n2 - x2]]
    for code, alt in enumerate(("two-sided", "less", "greater")):
        add("fisher", (x1, n1, x2, n2, code), [stats.fisher_exact(t, alt)[1]])
    add("miettinen_nurminen", (x1, n1, x2, n2, 0.95), score_interval(x1, n1, x2, n2))

print(json.dumps({"source": f"SciPy {scipy.__version__}", "cases": cases}, indent=0))
