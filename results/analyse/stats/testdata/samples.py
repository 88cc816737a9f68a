"""Reference values for two samples, from SciPy and by enumeration.

Run as: /usr/bin/python3 samples.py > samples.json
Arguments of two-sample cases: the two sizes, both samples, then the rest;
1e300 stands for a trial that never got ready.
"""
import itertools
import json

import numpy as np
import scipy
from scipy import optimize, stats

cases = []
NEVER = 1e300


def add(f, args, want):
    cases.append({"f": f, "args": [float(a) for a in args], "want": [float(w) for w in want]})


def two(a, b, *rest):
    return [len(a), len(b), *a, *b, *rest]


def enumerate_blocks(scores, first, block):
    """All reassignments of arms inside blocks, one by one."""
    per_block = []
    for b in sorted(set(block)):
        members = [i for i in range(len(scores)) if block[i] == b]
        m = sum(first[i] for i in members)
        per_block.append([sum(scores[i] for i in pick) for pick in itertools.combinations(members, m)])
    sums = np.array([sum(s) for s in itertools.product(*per_block)])
    observed = sum(s for s, f in zip(scores, first) if f)
    mean = sums.mean()
    eps = 1e-9
    return [np.mean(sums <= observed + eps), np.mean(sums >= observed - eps),
            np.mean(abs(sums - mean) >= abs(observed - mean) - eps)]


samples = [
    ([11, 12, 13, 14, 15], [17, 18]),
    ([11, 12, 13, 14, 15], [NEVER, NEVER]),
    ([5, 6, 7, NEVER], [6, 7, 7, NEVER, NEVER]),
    ([3.1, 4.7, 2.2, 9.9, 5.0, 6.1], [4.0, 8.8, 7.3, 12.5, 6.1, 20.0]),
    ([7, 7, 7], [7, 7, 7, 7]),
]
for a, b in samples:
    values = np.array(a + b, float)
    first = [1] * len(a) + [0] * len(b)
    add("worst_rank", two(a, b), enumerate_blocks(stats.rankdata(values), first, [0] * len(values)))
    # Scores that are no multiples of a half take the other way to the distribution.
    scores = np.sqrt(stats.rankdata(values))
    add("other_scores", two(a, b), enumerate_blocks(scores, first, [0] * len(values)))

rng = np.random.default_rng(20240613)
for n_blocks, per in [(5, 2), (3, 4), (4, 3)]:
    n = n_blocks * per
    block = np.repeat(np.arange(n_blocks), per)
    first = np.array([j % 2 == 0 for _ in range(n_blocks) for j in range(per)]).astype(int)
    values = np.where(rng.random(n) < 0.3, NEVER, np.round(rng.lognormal(2, 0.5, n), 1))
    args = [n, *values, *first, *block]
    add("worst_rank_blocks", args, enumerate_blocks(stats.rankdata(values), first, block))
    inside = np.concatenate([stats.rankdata(values[block == b]) for b in range(n_blocks)])
    add("within_blocks", args, enumerate_blocks(inside, first, block))

# Brunner-Munzel: SciPy's own test data (Lumley, in R's lawstat) and others.
x = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1]
y = [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]
for a, b in [(x, y), (y, x), *[s for s in samples if s[0][0] in (5, 3.1)]]:
    for code, alt in enumerate(("two-sided", "less", "greater")):
        r = stats.brunnermunzel(a, b, alternative=alt)
        add("brunner_munzel", two(a, b, code), [r.statistic, r.pvalue])


def superiority(a, b, conf):
    """From the definitions: U-statistic kernels, projections, delta method."""
    w = np.array([[float(x < y) for y in b] for x in a])
    l = np.array([[float(x > y) for y in b] for x in a])
    n1, n2 = w.shape
    mw, ml = w.mean(), l.mean()
    cov = np.cov(w.mean(1), l.mean(1)) / n1 + np.cov(w.mean(0), l.mean(0)) / n2
    z = stats.norm.ppf((1 + conf) / 2)
    p = mw + (1 - mw - ml) / 2

    def g(t):
        h = (n1 + n2) / 2 - 1
        return (p - t) ** 2 - z * z * t * (1 - t) * (1 + h * (1 - t) / (2 - t) + h * t / (1 + t)) / (n1 * n2)

    lo = optimize.brentq(g, 1e-9, p - 1e-9) if p > 0 else 0
    hi = optimize.brentq(g, p + 1e-9, 1 - 1e-9) if p < 1 else 1
    out = [mw * n1 * n2, ml * n1 * n2, p, lo, hi]
    if mw > 0 and ml > 0:
        grad = np.array([1 / mw, -1 / ml])
        se = np.sqrt(grad @ cov @ grad)
        out += [mw / ml * np.exp(-z * se), mw / ml * np.exp(z * se), 2 * stats.norm.sf(abs(np.log(mw / ml)) / se)]
    return out


for a, b in samples:
    add("superiority", two(a, b, 0.95), superiority(a, b, 0.95))

for a, b in samples[:4]:
    for cap in (6.5, 16):
        x, y = np.minimum(a, cap), np.minimum(b, cap)
        vx, vy = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
        if vx + vy == 0:
            continue
        df = (vx + vy) ** 2 / (vx**2 / (len(x) - 1) + vy**2 / (len(y) - 1))
        d, half = x.mean() - y.mean(), stats.t.ppf(0.975, df) * np.sqrt(vx + vy)
        add("capped", two(a, b, cap), [d, d - half, d + half, stats.ttest_ind(x, y, equal_var=False).pvalue])

for values in ([3.0], [1, 2], [5, 1, 4, 2, 3], [2.5, 9, 1, 4, 4, 7, 30]):
    for p in (0, 0.1, 0.25, 0.5, 0.9, 1):
        add("quantile", [len(values), *values, p], [np.quantile(values, p)])

print(json.dumps({"source": f"SciPy {scipy.__version__} and enumeration", "cases": cases}, indent=0))
