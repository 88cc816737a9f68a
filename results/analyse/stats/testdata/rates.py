"""Reference values for rates and 2x2 tables, from SciPy and statsmodels.

Run as: /usr/bin/python3 rates.py > rates.json
Tables are given as (events, trials) of the first and of the second arm.
"""
import json
import warnings

import numpy as np
import scipy
import statsmodels
from scipy import integrate, optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

warnings.simplefilter("ignore")
cases = []


def add(f, args, want):
    cases.append({"f": f, "args": [float(a) for a in args], "want": [float(w) for w in want]})


for k, n in [(0, 1), (1, 1), (0, 5), (2, 2), (1, 3), (3, 10), (0, 30), (29, 30), (20, 100), (3, 1000), (700, 1000), (7, 100000), (50000, 100000)]:
    for conf in (0.9, 0.95, 0.99):
        r = stats.binomtest(k, n)
        add("clopper_pearson", (k, n, conf), r.proportion_ci(conf, "exact"))
        add("wilson", (k, n, conf), r.proportion_ci(conf, "wilson"))
        add("wilson_continuity", (k, n, conf), r.proportion_ci(conf, "wilsoncc"))
        add("upper", (k, n, conf), [stats.binomtest(k, n, alternative="less").proportion_ci(conf, "exact").high])
        if 0 < k < n:
            add("jeffreys", (k, n, conf), proportion_confint(k, n, 1 - conf, "jeffreys"))

tables = [(0, 5, 2, 2), (0, 4, 4, 4), (0, 5, 5, 5), (1, 5, 4, 6), (2, 7, 5, 9), (7, 34, 1, 34), (5, 6, 0, 4),
          (3, 8, 3, 8), (1, 20, 9, 15), (10, 12, 11, 20), (0, 10, 1, 10), (12, 40, 25, 41)]


def sup(f):
    """The supremum of a smooth function on [0, 1], to the last digits: SciPy's
    own optimiser stops at about 1e-7 relative."""
    xs = np.sin(np.linspace(0, np.pi / 2, 401)) ** 2
    ys = np.array([f(x) for x in xs])
    best = ys.max()
    for i in range(1, 400):
        if ys[i] >= ys[i - 1] and ys[i] >= ys[i + 1] and ys[i] > 0.95 * ys.max():
            r = optimize.minimize_scalar(lambda x: -f(x), bounds=(xs[i - 1], xs[i + 1]), method="bounded",
                                         options={"xatol": 1e-12})
            best = max(best, -r.fun)
    return best


def tail(region, n1, n2):
    k1, k2 = np.arange(n1 + 1), np.arange(n2 + 1)
    return lambda p: float(stats.binom.pmf(k1, n1, p) @ region @ stats.binom.pmf(k2, n2, p))


def barnard(x1, n1, x2, n2, alternative):
    a, b = np.meshgrid(np.arange(n1 + 1), np.arange(n2 + 1), indexing="ij")
    p = (a + b) / (n1 + n2)
    with np.errstate(all="ignore"):
        z = (a / n1 - b / n2) / np.sqrt(p * (1 - p) * (1 / n1 + 1 / n2))
    z[~np.isfinite(z)] = 0
    o = z[x1, x2]
    region = {"two-sided": abs(z) >= abs(o) - 1e-10, "less": z <= o + 1e-10, "greater": z >= o - 1e-10}[alternative]
    return o, sup(tail(region.astype(float), n1, n2))


def boschloo_less(x1, n1, x2, n2):
    f = np.array([[stats.hypergeom.cdf(a, n1 + n2, a + b, n1) for b in range(n2 + 1)] for a in range(n1 + 1)])
    return f[x1, x2], sup(tail((f <= f[x1, x2] * (1 + 1e-9)).astype(float), n1, n2))


def score_interval(x1, n1, x2, n2, inflate):
    """Miettinen & Nurminen (1985) from the definition: the constrained
    estimate by numeric maximisation, the ends by root finding."""
    d, z = x1 / n1 - x2 / n2, stats.norm.ppf(0.975)

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
        return (d - delta) ** 2 - z * z * inflate * (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)

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
        o, p = barnard(x1, n1, x2, n2, alt)
        r = stats.barnard_exact(t, alt, pooled=True)
        assert -1e-6 < p / r.pvalue - 1 < 5e-3, (t, alt, p, r)  # its optimiser can stop short of the supremum
        add("barnard", (x1, n1, x2, n2, code), [o, p])
    less = boschloo_less(x1, n1, x2, n2)[1]
    greater = boschloo_less(x2, n2, x1, n1)[1]
    for code, (alt, p) in enumerate((("two-sided", min(1, 2 * min(less, greater))), ("less", less), ("greater", greater))):
        r = stats.boschloo_exact(t, alt)
        assert -1e-6 < p / r.pvalue - 1 < 5e-3, (t, alt, p, r)  # its optimiser can stop short of the supremum
        add("boschloo", (x1, n1, x2, n2, code), [p])
    for f, method in (("newcombe", "newcomb"), ("agresti_caffo", "agresti-caffo")):
        lo, hi = confint_proportions_2indep(x1, n1, x2, n2, compare="diff", method=method, alpha=0.05)
        add(f, (x1, n1, x2, n2, 0.95), [max(-1, lo), min(1, hi)])
    n = n1 + n2
    add("miettinen_nurminen", (x1, n1, x2, n2, 0.95), score_interval(x1, n1, x2, n2, n / (n - 1)))
    add("mee", (x1, n1, x2, n2, 0.95), score_interval(x1, n1, x2, n2, 1))
    for a in (1, 0.5, 2.5):
        P, Q = stats.beta(x1 + a, n1 - x1 + a), stats.beta(x2 + a, n2 - x2 + a)
        # In the quantile scale of the second arm the integrand is bounded.
        v = integrate.quad(lambda u: P.cdf(Q.ppf(u)), 0, 1, epsabs=1e-13, epsrel=1e-12, limit=500)[0]
        add("probability_less", (x1, n1, x2, n2, a), [v])

for k, n, c in [(2, 2, 0.4615384615384615), (2, 2, 0.23), (0, 5, 0.1), (3, 12, 0.25)]:
    add("rate_below", (k, n, c, 0.5), [stats.beta.cdf(c, k + 0.5, n - k + 0.5)])

p = [0.01, 0.02, 0.03, 0.03, 0.5, 0.0083, 0.2, 1.0]
add("holm", p, multipletests(p, method="holm")[1])
add("benjamini_hochberg", p, multipletests(p, method="fdr_bh")[1])

for p1, n1, p2, n2 in [(0.02, 5, 0.9, 5), (0.02, 18, 0.4, 18), (0.05, 24, 0.4, 24), (0.1, 8, 0.5, 13)]:
    v = sum(stats.binom.pmf(i, n1, p1) * stats.binom.pmf(j, n2, p2)
            for i in range(n1 + 1) for j in range(n2 + 1)
            if stats.fisher_exact([[i, j], [n1 - i, n2 - j]])[1] <= 0.05)
    add("fisher_power", (p1, n1, p2, n2, 0.05), [v])

print(json.dumps({"source": f"SciPy {scipy.__version__}, statsmodels {statsmodels.__version__}", "cases": cases}, indent=0))
