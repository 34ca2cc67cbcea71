"""Likelihood ratios, errors of tests and thresholds, against closed forms, SciPy and autodiff."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

import sheer
from sheer import metrics
from sheer.graph.errors import SheerError


def table(seed=0, rows=300):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 4))
    p = 1 / (1 + np.exp(-(0.5 + x @ [1.0, -0.7, 0.0, 0.3])))
    return x, (rng.random(rows) < p).astype(int)


@pytest.mark.system("Likelihood-ratio test, deviance, coefficient standard errors")
def test_irls_equals_the_maximum_and_the_curvature_there(figure):
    x, y = table()
    fit = metrics.irls(x, y)
    other = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    other.fit(x, y)
    np.testing.assert_allclose(fit.coefficients, [*other.intercept_, *other.coef_[0]], atol=1e-6)
    # The standard errors again, from the second derivative that autodiff finds.
    design = sheer.tensor(np.column_stack([np.ones(len(x)), x]), dtype=sheer.float64)
    sign = sheer.tensor(1.0 - 2 * y, dtype=sheer.float64)
    loss = lambda beta: ((design @ beta) * sign).exp().log1p().sum()
    beta = sheer.tensor(fit.coefficients, dtype=sheer.float64)
    information = sheer.hessian(loss)(beta).numpy()
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    off = np.abs(fit.standard_errors / errors - 1).max()
    assert off < 1e-6
    np.testing.assert_allclose(fit.deviance, 2 * loss(beta).item(), rtol=1e-10)
    share = y.mean()
    null = -2 * len(y) * (share * np.log(share) + (1 - share) * np.log(1 - share))
    np.testing.assert_allclose(fit.null_deviance, null, rtol=1e-12)
    np.testing.assert_allclose(fit.p_values, 2 * stats.norm.sf(abs(fit.z)), rtol=1e-9)
    figure(f"standard errors within {off:.0e} of the Hessian's")


@pytest.mark.system("Likelihood-ratio test, deviance, coefficient standard errors")
def test_the_likelihood_ratio_is_chi_squared():
    x, y = table()
    small, large = metrics.irls(x[:, :2], y), metrics.irls(x, y)
    found = metrics.likelihood_ratio_test(small, large)
    np.testing.assert_allclose(found.statistic, small.deviance - large.deviance)
    np.testing.assert_allclose(found.p_value, stats.chi2.sf(found.statistic, 2), rtol=1e-10)
    # Useless columns are found to be useful in 5 % of cases.
    p = []
    for seed in range(300):
        x, y = table(seed, 150)
        p.append(metrics.likelihood_ratio_test(metrics.irls(x[:, [0, 1, 3]], y),
                                               metrics.irls(x, y)).p_value)
    rate = np.mean(np.array(p) < 0.05)
    assert abs(rate - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 300)


def test_the_tail_of_chi_squared_equals_scipy():
    for degrees in range(1, 12):
        for x in (0.0, 0.01, 1.0, 7.3, 40.0, 400.0):
            np.testing.assert_allclose(metrics.chi2_sf(x, degrees), stats.chi2.sf(x, degrees),
                                       rtol=1e-10)


@pytest.mark.system("Type I / Type II error, power")
@pytest.mark.parametrize(("effect", "n", "level"), [(0.5, 20, 0.05), (0.3, 50, 0.01),
                                                    (0.1, 30, 0.1)])
def test_simulated_errors_equal_theory(effect, n, level, figure):
    rates = metrics.simulate_errors(
        metrics.z_test, lambda rng: rng.normal(0, 1, n), lambda rng: rng.normal(effect, 1, n),
        level=level, trials=4000, seed=1)
    power = metrics.z_test_power(effect, n, level=level)
    assert abs(rates.type_1 - level) < 3 * rates.standard_error(level)
    assert abs(rates.power - power) < 3 * rates.standard_error(power)
    assert rates.type_2 == pytest.approx(1 - rates.power)
    figure(f"type I {rates.type_1:.4f} (theory {level}), power {rates.power:.3f} "
           f"(theory {power:.3f})")


def test_the_p_value_of_a_z_test_equals_scipy():
    x = np.random.default_rng(0).normal(0.2, 2, 30)
    want = 2 * stats.norm.sf(abs(x.mean() - 0.1) * np.sqrt(30) / 2)
    np.testing.assert_allclose(metrics.z_test(x, 0.1, 2.0), want, rtol=1e-12)


@pytest.mark.parametrize("metric", ["f", "accuracy", "cost"])
def test_the_best_threshold_is_the_best_of_all(metric):
    rng = np.random.default_rng(0)
    for _ in range(20):
        true = rng.integers(0, 2, 30)
        true[0] = 1
        score = np.round(rng.random(30) + true * 0.3, 1)
        found = metrics.best_threshold(true, score, metric=metric, beta=2.0,
                                       cost_false_negative=5.0)
        def value(cut, true=true, score=score):
            said = (score >= cut).astype(int)
            if metric == "f":
                return metrics.fbeta_score(true, said, beta=2.0)
            if metric == "accuracy":
                return metrics.accuracy_score(true, said)
            return -((said > true).sum() + 5 * (said < true).sum()) / len(true)
        every = [value(cut) for cut in [*np.unique(score), np.inf]]
        np.testing.assert_allclose(value(found.value), max(every), rtol=1e-12)
        np.testing.assert_allclose(abs(max(every)), found.best, rtol=1e-12)
        np.testing.assert_array_equal(found(score), score >= found.value)


@pytest.mark.parametrize(("code", "call"), [
    ("E675", lambda: metrics.irls(np.ones((5, 1)), [0, 1, 0, 1, 1])),
    ("E670", lambda: metrics.irls(np.ones((5, 1)), [0, 1])),
    ("E672", lambda: metrics.irls(np.ones((3, 1)), [0, 1, 2])),
    ("E671", lambda: metrics.likelihood_ratio_test(3.0, 2.0)),
    ("E671", lambda: metrics.chi2_sf(3.0, 0)),
    ("E671", lambda: metrics.z_test_power(1.0, 5, level=1.5)),
    ("E671", lambda: metrics.simulate_errors(metrics.z_test, None, None, trials=0)),
    ("E671", lambda: metrics.best_threshold([0, 1], [0, 1], metric="auc")),
])
def test_what_cannot_be_tested_is_refused(code, call):
    with pytest.raises(SheerError) as error:
        call()
    assert error.value.code == code
