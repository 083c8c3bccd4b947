"""Numbers of SciPy and NumPy for the tests of `psychrnn::analysis`: `python make_reference.py > reference.json`.

Nothing here shares code or method with the library: other optimizers, other derivatives, brute force where that is exact.
"""

import itertools
import json

import numpy as np
import scipy
from scipy import differentiate, optimize, special, stats

rng = np.random.default_rng(20210115)


def shape(curve, x, threshold, width):
    if curve == "gaussian":
        return special.ndtr((x - threshold) / width)
    if curve == "logistic":
        return special.expit((x - threshold) / width)
    return -np.expm1(-((x / threshold) ** width))


def psi(curve, x, p):
    return p[2] + (1 - p[2] - p[3]) * shape(curve, x, p[0], p[1])


def psychometric(curve, levels, trials, hits, guess, lapse):
    """`guess` and `lapse` are a number, or a pair of bounds."""
    x, n, k = (np.asarray(values, float) for values in (levels, trials, hits))
    free = [0, 1] + [i for i, rate in ((2, guess), (3, lapse)) if isinstance(rate, tuple)]
    fixed = np.array([0, 0, *(0 if isinstance(rate, tuple) else rate for rate in (guess, lapse))], float)

    def full(q):
        p = fixed.copy()
        p[free] = q
        return p

    def cost(q):
        p = np.clip(psi(curve, x, full(q)), 1e-300, 1)
        return -np.sum(special.xlogy(k, p) + special.xlog1py(n - k, -np.clip(p, 0, 1 - 1e-16)))

    span = x.max() - x.min()
    width_bounds = (0.2, 30) if curve == "weibull" else (span / 200, span * 10)
    low = x[x > 0].min() / 10 if curve == "weibull" else x.min() - span
    bounds = [(low, x.max() + span), width_bounds] + [rate for rate in (guess, lapse) if isinstance(rate, tuple)]
    best = None
    for _ in range(60):
        start = [rng.uniform(a, b) for a, b in bounds[2:]]
        start = [rng.uniform(x[x > 0].min() if curve == "weibull" else x.min(), x.max()),
                 np.exp(rng.uniform(*np.log([max(width_bounds[0], 0.5), 8] if curve == "weibull" else [span / 50, span]))), *start]
        found = optimize.minimize(cost, start, bounds=bounds, method="L-BFGS-B")
        found = optimize.minimize(cost, found.x, bounds=bounds, method="Nelder-Mead",
                                  options={"xatol": 1e-11, "fatol": 1e-13, "maxiter": 20000, "maxfev": 20000})
        if best is None or found.fun < best.fun:
            best = found
    inner = [i for i, (value, (a, b)) in enumerate(zip(best.x, bounds)) if min(value - a, b - value) > 1e-5]

    scale = np.array([0.05 * best.x[1], 0.05 * best.x[1], 1e-3, 1e-3][:len(best.x)])[inner]

    def inner_cost(u):
        values = []
        for column in u.reshape(len(inner), -1).T:
            p = best.x.copy()
            p[inner] += column * scale
            values.append(cost(p))
        return np.array(values).reshape(u.shape[1:])

    hessian = differentiate.hessian(inner_cost, np.zeros(len(inner)), initial_step=0.5, step_factor=1.5, order=6).ddf
    hessian = hessian / np.outer(scale, scale)
    covariance = np.zeros((4, 4))
    where = [free[i] for i in inner]
    covariance[np.ix_(where, where)] = np.linalg.inv(hessian)
    p = full(best.x)

    def slope(q):
        h = 1e-6 * q[1]
        return (psi(curve, q[0] + h, q) - psi(curve, q[0] - h, q)) / (2 * h)

    gradient = np.array([(slope(p + d) - slope(p - d)) / (2 * np.abs(d).max()) for d in np.eye(4) * 1e-4 * np.array([1, 1, 1, 1])])
    share = k / n
    deviance = 2 * np.sum(special.xlogy(k, share / psi(curve, x, p)) + special.xlogy(n - k, (1 - share) / (1 - psi(curve, x, p))))
    dof = len(x) - len(free)
    return {
        "curve": curve, "levels": list(levels), "trials": list(trials), "hits": list(hits),
        "guess": guess, "lapse": lapse,
        "parameters": p.tolist(),
        "se": [float(np.sqrt(covariance[i, i])) if i in where else None for i in range(4)],
        "slope": float(slope(p)), "slope_se": float(np.sqrt(gradient @ covariance @ gradient)),
        "log_likelihood": float(-best.fun), "deviance": float(deviance), "dof": dof,
        "deviance_p": float(stats.chi2.sf(deviance, dof)),
    }


def wilcoxon(first, second):
    d = np.subtract(first, second)
    d = d[d != 0]
    ranks = stats.rankdata(np.abs(d))
    plus = ranks[d > 0].sum()
    out = {"first": list(map(float, first)), "second": list(map(float, second)), "w_plus": float(plus), "n": len(d)}
    if len(d) <= 16:
        # All ways of giving signs to the ranks.
        sums = np.array([np.dot(signs, ranks) for signs in itertools.product([0, 1], repeat=len(d))])
        less, greater = np.mean(sums <= plus + 1e-9), np.mean(sums >= plus - 1e-9)
        out["p"] = [float(min(1, 2 * min(less, greater))), float(greater), float(less)]
    else:
        method = "exact" if len(d) <= 50 else "asymptotic"
        out["p"] = [float(stats.wilcoxon(first, second, zero_method="wilcox", correction=True, method=method, alternative=a).pvalue)
                    for a in ("two-sided", "greater", "less")]
    return out


def paired_t(first, second):
    tests = [stats.ttest_rel(first, second, alternative=a) for a in ("two-sided", "greater", "less")]
    interval = tests[0].confidence_interval(0.9)
    return {"first": list(map(float, first)), "second": list(map(float, second)), "t": float(tests[0].statistic),
            "p": [float(test.pvalue) for test in tests], "interval_90": [float(interval.low), float(interval.high)]}


def bootstrap(data, statistic, name):
    out = {"data": data.tolist(), "statistic": name}
    for method in ("percentile", "BCa"):
        found = stats.bootstrap((data,), statistic, n_resamples=400_000, method=method, random_state=7, vectorized=True, batch=20_000)
        out[method.lower()] = [float(found.confidence_interval.low), float(found.confidence_interval.high)]
        out["se"] = float(found.standard_error)
    return out


def pca(samples):
    center = samples.mean(0)
    _, sigma, components = np.linalg.svd(samples - center, full_matrices=False)
    return {"samples": samples.tolist(), "mean": center.tolist(), "components": components.tolist(),
            "variance": (sigma**2 / (len(samples) - 1)).tolist(), "share": (sigma**2 / np.sum(sigma**2)).tolist()}


def d_prime(values, group):
    a, b = values[group], values[~group]
    return {"values": values.tolist(), "group": group.tolist(),
            "d_prime": ((a.mean(0) - b.mean(0)) / np.sqrt((a.var(0, ddof=1) + b.var(0, ddof=1)) / 2)).tolist()}


signed = [-0.6, -0.4, -0.2, -0.1, 0.0, 0.1, 0.2, 0.4, 0.6]
coherence = [0.0, 0.032, 0.064, 0.128, 0.256, 0.512]
skewed = rng.lognormal(0, 1, 25)
latent = rng.normal(size=(40, 3)) * [5, 2, 1]
after_ties = rng.integers(0, 8, 70).astype(float)
many = rng.normal(size=30)
print(json.dumps({
    "versions": {"scipy": scipy.__version__, "numpy": np.__version__},
    "psychometric": [
        psychometric("gaussian", signed, [60] * 9, [3, 4, 12, 22, 31, 42, 50, 57, 58], (0, 0.1), (0, 0.1)),
        psychometric("gaussian", signed, [60] * 9, [0, 0, 6, 19, 33, 46, 55, 60, 60], (0, 0.1), (0, 0.1)),
        psychometric("logistic", signed, [40, 50, 60, 70, 80, 70, 60, 50, 40], [1, 6, 15, 24, 41, 50, 47, 47, 40], 0.0, 0.0),
        psychometric("logistic", signed, [100] * 9, [5, 6, 17, 38, 61, 78, 88, 93, 93], (0, 0.2), (0, 0.2)),
        psychometric("weibull", coherence, [80] * 6, [41, 45, 54, 69, 77, 78], 0.5, (0, 0.1)),
        psychometric("weibull", coherence[1:], [120] * 5, [66, 75, 98, 116, 120], 0.5, 0.0),
    ],
    "wilson": [{"hits": k, "trials": n, "confidence": c, "interval": list(map(float, stats.binomtest(k, n).proportion_ci(c, "wilson")))}
               for k, n, c in [(0, 10, 0.95), (10, 10, 0.95), (3, 17, 0.95), (250, 400, 0.9), (1, 1, 0.99)]],
    "wilcoxon": [
        wilcoxon(rng.normal(1, 1, 10), rng.normal(0, 1, 10)),
        wilcoxon([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], [2, 1, 2, 3, 4, 4, 5, 2, 3, 3]),
        wilcoxon([1, 2, 3], [2, 4, 6]),
        wilcoxon(many + 0.3, rng.normal(size=30)),
        wilcoxon(after_ties, rng.integers(0, 8, 70) + rng.integers(0, 2, 70)),
    ],
    "paired_t": [paired_t(rng.normal(1, 1, 10), rng.normal(0, 1, 10)), paired_t([1.0, 2.0], [1.5, 2.1]), paired_t(many, many**2)],
    "bootstrap": [bootstrap(skewed, np.mean, "mean"), bootstrap(skewed, lambda x, axis=-1: np.std(x, axis=axis, ddof=1), "sd")],
    "pca": [pca(latent @ rng.normal(size=(3, 7)) + rng.normal(size=(40, 7)) * 0.3 + 4), pca(rng.normal(size=(5, 8)))],
    "d_prime": d_prime(rng.normal(size=(30, 4)) + np.arange(30)[:, None] % 2 * [0, 1, -2, 3], np.arange(30) % 2 == 1),
}, indent=1))
