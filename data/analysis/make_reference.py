"""Numbers of SciPy, statsmodels and NumPy for the tests of `psychrnn::analysis`: `python make_reference.py > reference.json`.

Nothing here shares code or method with the library: other optimizers, other derivatives, brute force where that is exact.
"""

import itertools
import json

import numpy as np
import scipy
import statsmodels
from scipy import differentiate, optimize, special, stats
from statsmodels.stats import contingency_tables, multitest

rng = np.random.default_rng(20210115)


def shape(curve, x, threshold, width):
    if curve == "gaussian":
        return special.ndtr((x - threshold) / width)
    if curve == "logistic":
        return special.expit((x - threshold) / width)
    return -np.expm1(-((x / threshold) ** width))


def psi(curve, x, p, falling=False):
    f = shape(curve, x, p[0], p[1])
    return p[2] + (1 - p[2] - p[3]) * (1 - f if falling else f)


def psychometric(curve, levels, trials, hits, guess, lapse, falling=False, threshold=None, width=None, share=None):
    """`guess` and `lapse` are a number, or a pair of bounds; `lapse` may be "tied" to `guess`."""
    x, n, k = (np.asarray(values, float) for values in (levels, trials, hits))
    tied = lapse == "tied"
    free = [i for i, known in ((0, threshold), (1, width)) if known is None]
    free += [i for i, rate in ((2, guess), (3, lapse)) if isinstance(rate, tuple)]
    fixed = np.array([threshold or 0, width or 0, *(rate if isinstance(rate, float) else 0 for rate in (guess, lapse))], float)

    def full(q):
        p = fixed.copy()
        p[free] = q
        if tied:
            p[3] = p[2]
        return p

    def cost(q):
        p = np.clip(psi(curve, x, full(q), falling), 1e-300, 1)
        return -np.sum(special.xlogy(k, p) + special.xlog1py(n - k, -np.clip(p, 0, 1 - 1e-16)))

    span = x.max() - x.min()
    width_bounds = (0.2, 30) if curve == "weibull" else (span / 200, span * 10)
    low = x[x > 0].min() / 10 if curve == "weibull" else x.min() - span
    all_bounds = [(low, x.max() + span), width_bounds, guess, lapse]
    bounds = [all_bounds[i] for i in free]
    best = None
    for _ in range(60):
        start = [rng.uniform(*all_bounds[i]) for i in free if i > 1]
        start = [rng.uniform(x[x > 0].min() if curve == "weibull" else x.min(), x.max()),
                 np.exp(rng.uniform(*np.log([max(width_bounds[0], 0.5), 8] if curve == "weibull" else [span / 50, span]))), *start]
        start = [value for i, value in enumerate(start) if i > 1 or i in free]
        found = optimize.minimize(cost, start, bounds=bounds, method="L-BFGS-B")
        found = optimize.minimize(cost, found.x, bounds=bounds, method="Nelder-Mead",
                                  options={"xatol": 1e-11, "fatol": 1e-13, "maxiter": 20000, "maxfev": 20000})
        if best is None or found.fun < best.fun:
            best = found
    inner = [i for i, (value, (a, b)) in enumerate(zip(best.x, bounds)) if min(value - a, b - value) > 1e-5]

    found_width = full(best.x)[1]
    scale = np.array([[0.05 * found_width, 0.05 * found_width, 1e-3, 1e-3][free[i]] for i in inner])

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
    if tied:
        covariance[3], covariance[:, 3] = covariance[2], covariance[:, 2]
        covariance[3, 3] = covariance[2, 2]
    p = full(best.x)

    def slope_at(level, q):
        h = 1e-6 * q[1]
        return (psi(curve, level + h, q, falling) - psi(curve, level - h, q, falling)) / (2 * h)

    def slope(q):
        return slope_at(q[0], q)

    def delta(of):
        gradient = np.array([(of(p + d) - of(p - d)) / (2 * np.abs(d).max()) for d in np.eye(4) * 1e-4])
        return float(of(p)), float(np.sqrt(gradient @ covariance @ gradient))

    def level(q):
        return optimize.brentq(lambda at: psi(curve, at, q, falling) - share, low if curve == "weibull" else low - 5 * span,
                               x.max() + 5 * span, xtol=1e-14, rtol=1e-14)

    of_share = {}
    if share is not None:
        of_share = {"share": share, "falling": falling, "threshold": threshold, "width": width,
                    "level": delta(level), "slope_there": delta(lambda q: slope_at(level(q), q)),
                    "se": [float(np.sqrt(covariance[i, i])) if covariance[i, i] > 0 else None for i in range(4)]}
    shares = k / n
    fitted = psi(curve, x, p, falling)
    deviance = 2 * np.sum(special.xlogy(k, shares / fitted) + special.xlogy(n - k, (1 - shares) / (1 - fitted)))
    dof = len(x) - len(free)
    return {
        "curve": curve, "levels": list(levels), "trials": list(trials), "hits": list(hits),
        "guess": guess, "lapse": lapse,
        "parameters": p.tolist(),
        "se": [float(np.sqrt(covariance[i, i])) if i in where else None for i in range(4)],
        "slope": float(slope(p)), "slope_se": delta(slope)[1],
        "log_likelihood": float(-best.fun), "deviance": float(deviance), "dof": dof,
        "deviance_p": float(stats.chi2.sf(deviance, dof)), **of_share,
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


THREE = ("two-sided", "greater", "less")


def mann_whitney(first, second):
    exact = len(np.unique([*first, *second])) == len(first) + len(second) <= 50
    tests = [stats.mannwhitneyu(first, second, alternative=a, method="exact" if exact else "asymptotic") for a in THREE]
    return {"first": list(map(float, first)), "second": list(map(float, second)), "u": float(tests[0].statistic),
            "exact": exact, "p": [float(test.pvalue) for test in tests]}


def welch_t(first, second):
    tests = [stats.ttest_ind(first, second, equal_var=False, alternative=a) for a in THREE]
    interval = tests[0].confidence_interval(0.9)
    return {"first": list(map(float, first)), "second": list(map(float, second)), "t": float(tests[0].statistic),
            "dof": float(tests[0].df), "p": [float(test.pvalue) for test in tests],
            "interval_90": [float(interval.low), float(interval.high)]}


def permutation(first, second, kind):
    def difference(first, second, axis):
        return np.mean(first, axis=axis) - np.mean(second, axis=axis)

    p = [float(stats.permutation_test((first, second), difference, permutation_type=kind, vectorized=True,
                                      n_resamples=np.inf, alternative=a).pvalue) for a in THREE]
    return {"first": list(map(float, first)), "second": list(map(float, second)), "kind": kind, "p": p}


def mcnemar(only_first, only_second):
    n = only_first + only_second
    two_sided = float(contingency_tables.mcnemar([[5, only_first], [only_second, 7]], exact=True).pvalue)
    return {"only_first": only_first, "only_second": only_second,
            "p": [two_sided, *(float(stats.binomtest(only_first, n, alternative=a).pvalue) for a in THREE[1:])]}


def corrected(p):
    return {"p": list(p), "holm": multitest.multipletests(p, method="holm")[1].tolist(),
            "benjamini_hochberg": multitest.multipletests(p, method="fdr_bh")[1].tolist()}


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
    "versions": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__},
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
    "psychometric_of_any_kind": [
        psychometric("gaussian", range(5), [50] * 5, [48, 40, 25, 9, 2], (0, 0.1), (0, 0.1), falling=True, share=0.75),
        psychometric("gaussian", range(5), [50] * 5, [48, 40, 25, 9, 2], 0.0, 0.0, falling=True, share=0.3),
        psychometric("logistic", signed, [100] * 9, [94, 92, 84, 65, 41, 20, 11, 6, 6], (0, 0.2), (0, 0.2), falling=True, share=0.75),
        psychometric("weibull", coherence[1:], [120] * 5, [110, 98, 70, 26, 6], (0, 0.1), 0.02, falling=True, share=0.5),
        psychometric("gaussian", signed, [60] * 9, [3, 4, 12, 22, 31, 42, 50, 57, 58], (0, 0.1), "tied", share=0.75),
        psychometric("logistic", signed, [60] * 9, [57, 54, 47, 39, 27, 17, 9, 4, 2], (0, 0.1), "tied", falling=True, share=0.6),
        psychometric("gaussian", signed, [60] * 9, [3, 4, 12, 22, 31, 42, 50, 57, 58], (0, 0.1), (0, 0.1), threshold=0.05, share=0.75),
        psychometric("gaussian", signed, [60] * 9, [3, 4, 12, 22, 31, 42, 50, 57, 58], (0, 0.1), "tied", width=0.25, share=0.75),
        psychometric("weibull", coherence, [80] * 6, [41, 45, 54, 69, 77, 78], 0.5, (0, 0.1), width=1.2, share=0.75),
        psychometric("weibull", coherence, [80] * 6, [41, 45, 54, 69, 77, 78], 0.5, (0, 0.1), share=0.75),
        psychometric("logistic", signed, [60] * 9, [3, 4, 12, 22, 31, 42, 50, 57, 58], 0.03, (0, 0.1), threshold=0.01, width=0.12, share=0.75),
    ],
    "mann_whitney": [
        mann_whitney([1.1, 2.2, 3.3], [4.4, 5.5, 0.6, 7.7]),
        mann_whitney(rng.normal(0.5, 1, 12), rng.normal(0, 1, 17)),
        mann_whitney(rng.normal(0.2, 1, 40), rng.normal(0, 1, 60)),
        mann_whitney([1, 2, 2, 3, 5], [2, 4, 4, 6, 7, 8]),
        mann_whitney(rng.integers(0, 6, 30), rng.integers(1, 7, 25)),
    ],
    "welch_t": [welch_t(rng.normal(1, 1, 10), rng.normal(0, 3, 14)), welch_t([1.0, 2.0], [1.5, 2.1, 9.0]), welch_t([1.0, 1.0], [2.0, 3.0])],
    "permutation": [
        permutation([1.0, 3.0, 2.5, 7.0], [4.0, 6.0, 5.5, 9.0, 8.0], "independent"),
        permutation([1, 2, 2, 3], [2, 4, 4], "independent"),
        permutation([1.0, 3.0, 2.5, 7.0, 3.0], [4.0, 2.0, 5.5, 9.0, 8.0], "samples"),
    ],
    "mcnemar": [mcnemar(18, 0), mcnemar(3, 11), mcnemar(40, 61), mcnemar(7, 7), mcnemar(5200, 5000)],
    "corrected": [corrected([0.01, 0.04, 0.03, 0.005, 0.5]), corrected([0.02, 0.02, 0.9, 1.0, 1e-9, 0.049]), corrected([0.3])],
}, indent=1))
