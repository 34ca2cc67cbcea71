"""Every schedule gives torch's rates, step by step and by its closed form."""

import json
import math

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as theirs

import sheer
from sheer.optim import lr_scheduler as ours
from sheer.train.rates import Rates

STEPS = 45

# No optimizer takes a step here, which torch remarks on.
pytestmark = pytest.mark.filterwarnings("ignore:Detected call of:UserWarning")

# name, settings; for two groups with the base rates 0.4 and 0.03.
CASES = [
    ("LambdaLR", {"lr_lambda": lambda t: 0.9 ** t + 0.1}),
    ("LambdaLR", {"lr_lambda": [lambda t: 1 / (1 + t), lambda t: 0.5 if t > 3 else 1]}),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 0.95 if t % 2 else 1.02}),
    ("StepLR", {"step_size": 7, "gamma": 0.3}),
    ("MultiStepLR", {"milestones": [3, 9, 9, 20], "gamma": 0.5}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 6}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.8, "total_iters": 11}),
    ("ExponentialLR", {"gamma": 0.87}),
    ("PolynomialLR", {"total_iters": 20, "power": 2.5}),
    ("CosineAnnealingLR", {"T_max": 10, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 100}),
    ("CosineAnnealingWarmRestarts", {"T_0": 6, "eta_min": 0.001}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "step_size_down": 9}),
    ("CyclicLR", {"base_lr": [0.01, 0.1], "max_lr": [0.1, 0.3], "step_size_up": 4,
                  "mode": "triangular2", "base_momentum": 0.7}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "mode": "exp_range",
                  "gamma": 0.97}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "scale_mode": "iterations",
                  "scale_fn": lambda t: 1 / (1 + t), "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 50}),
    ("OneCycleLR", {"max_lr": [0.5, 0.2], "epochs": 10, "steps_per_epoch": 5, "pct_start": 0.4,
                    "anneal_strategy": "linear", "three_phase": True}),
]


def pair(kind="SGD", **options):
    """The same optimizer twice: ours and torch's, with two groups."""
    if kind == "SGD":
        options = {"momentum": 0.9, **options}
    made = []
    for library, tensor in ((sheer, lambda: sheer.tensor([1.0], requires_grad=True)),
                            (torch, lambda: torch.tensor([1.0], requires_grad=True))):
        groups = [{"params": [tensor()], "lr": 0.4}, {"params": [tensor()]}]
        made.append(getattr(library.optim, kind)(groups, lr=0.03, **options))
    return made


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def follow(a, b, ours_, theirs_, steps=STEPS):
    """Step both and compare rates and momenta; the rates of every step."""
    seen = [rates(a)]
    for _ in range(steps):
        np.testing.assert_allclose(rates(a), rates(b), rtol=1e-12, atol=1e-15)
        assert ours_.get_last_lr() == pytest.approx(theirs_.get_last_lr(), rel=1e-12, abs=1e-15)
        for g, h in zip(a.param_groups, b.param_groups, strict=True):
            name = "betas" if "betas" in h else "momentum"
            assert g[name] == pytest.approx(h[name], rel=1e-12)
        ours_.step()
        theirs_.step()
        seen.append(rates(a))
    return np.array(seen)


@pytest.mark.parametrize(("name", "settings"), CASES)
@pytest.mark.system("Learning-rate schedules (step, exponential, cosine, warm-up, plateau)")
def test_stepping_and_the_closed_form_give_torchs_rates(name, settings):
    a, b = pair()
    one, two = getattr(ours, name)(a, **settings), getattr(theirs, name)(b, **settings)
    seen = follow(a, b, one, two)
    closed = [one.values(t) for t in range(STEPS + 1)]
    np.testing.assert_allclose(closed, seen, rtol=1e-9, atol=1e-12)
    assert one.value(3, group=1) == closed[3][1]


def test_adam_cycles_its_first_beta():
    a, b = pair("Adam")
    settings = {"max_lr": 0.5, "total_steps": 50}
    follow(a, b, ours.OneCycleLR(a, **settings), theirs.OneCycleLR(b, **settings))


def both(build):
    """A combined schedule of each library, built by one function, and followed."""
    a, b = pair()
    one, two = build(ours, a), build(theirs, b)
    seen = follow(a, b, one, two)
    closed = [one.values(t) for t in range(STEPS + 1)]
    np.testing.assert_allclose(closed, seen, rtol=1e-9, atol=1e-12)


def test_one_schedule_after_the_other():
    both(lambda s, o: s.SequentialLR(o, [
        s.LinearLR(o, start_factor=0.1, total_iters=5), s.CosineAnnealingLR(o, T_max=20),
        s.ExponentialLR(o, 0.9)], milestones=[5, 25]))


def test_all_schedules_at_once():
    both(lambda s, o: s.ChainedScheduler([
        s.ConstantLR(o, factor=0.1, total_iters=4), s.ExponentialLR(o, 0.9),
        s.StepLR(o, 5, 0.5), s.CosineAnnealingLR(o, T_max=60)]))


def test_two_schedules_stepped_in_turn_multiply():
    a, b = pair()
    made = [(s.ExponentialLR(o, 0.9), s.MultiStepLR(o, [4, 8], 0.1))
            for s, o in ((ours, a), (theirs, b))]
    for _ in range(12):
        for schedules in made:
            for schedule in schedules:
                schedule.step()
        np.testing.assert_allclose(rates(a), rates(b), rtol=1e-12)


@pytest.mark.parametrize("settings", [
    {"patience": 2, "factor": 0.5},
    {"mode": "max", "patience": 0, "cooldown": 3, "min_lr": [0.1, 0.001]},
    {"threshold_mode": "abs", "threshold": 0.05, "patience": 1},
    {"mode": "max", "threshold_mode": "abs", "threshold": 0.05, "patience": 1, "eps": 1e-2}])
@pytest.mark.system("Learning-rate schedules (step, exponential, cosine, warm-up, plateau)")
def test_plateau_reduces_when_torch_does(settings):
    a, b = pair()
    one, two = ours.ReduceLROnPlateau(a, **settings), theirs.ReduceLROnPlateau(b, **settings)
    rng = np.random.default_rng(3)
    for t in range(40):
        metric = math.exp(-t / 10) + 0.3 * rng.random() if t < 38 else math.nan
        one.step(metric)
        two.step(metric)
        assert rates(a) == pytest.approx(rates(b), rel=1e-12)
        for name in ("num_bad_epochs", "cooldown_counter", "best"):
            assert getattr(one, name) == getattr(two, name)


def test_fractions_of_epochs_with_warm_restarts():
    a, b = pair()
    one = ours.CosineAnnealingWarmRestarts(a, 4, 2)
    two = theirs.CosineAnnealingWarmRestarts(b, 4, 2)
    for i in range(60):
        one.step(i / 3)
        two.step(i / 3)
        np.testing.assert_allclose(rates(a), rates(b), rtol=1e-12)


@pytest.mark.system("Learning-rate schedules (step, exponential, cosine, warm-up, plateau)")
def test_warm_up_then_cosine():
    a, _ = pair()
    schedule = ours.WarmupCosine(a, warmup_steps=4, total_steps=12, eta_min=0.1)
    values = [schedule.value(t) for t in range(14)]
    np.testing.assert_allclose(values[:5], [0.1, 0.2, 0.3, 0.4, 0.4])
    np.testing.assert_allclose(values[8], (0.4 + 0.1) / 2)
    assert values[12] == values[13] == 0.1
    for t in range(14):
        assert rates(a) == pytest.approx(schedule.values(t))
        schedule.step()


@pytest.mark.parametrize(("name", "settings"), [c for c in CASES if "lambda" not in str(c)])
def test_a_saved_schedule_goes_on(name, settings):
    a, _ = pair()
    schedule = getattr(ours, name)(a, **settings)
    for _ in range(7):
        schedule.step()
    saved = json.loads(json.dumps(schedule.state_dict()))
    b, _ = pair()
    again = getattr(ours, name)(b, **settings)
    again.load_state_dict(saved)
    b.load_state_dict(a.state_dict())
    for _ in range(20):
        schedule.step()
        again.step()
        assert rates(a) == pytest.approx(rates(b), rel=1e-12)


def test_a_saved_sequence_goes_on():
    build = lambda o: ours.SequentialLR(o, [ours.LinearLR(o, 0.1, total_iters=5),
                                            ours.ExponentialLR(o, 0.9)], milestones=[5])
    a, _ = pair()
    schedule = build(a)
    for _ in range(8):
        schedule.step()
    b, _ = pair()
    again = build(b)
    again.load_state_dict(schedule.state_dict())
    b.load_state_dict(a.state_dict())
    schedule.step()
    again.step()
    assert rates(a) == rates(b)


def test_a_cycle_whose_first_phase_has_no_update_begins_at_the_top():
    a, _ = pair()
    schedule = ours.OneCycleLR(a, 0.1, 10, pct_start=0.1)
    assert rates(a) == [0.1] * len(rates(a))
    schedule.step()
    assert rates(a)[0] < 0.1


def test_who_counts_in_updates():
    a, _ = pair()
    assert ours.OneCycleLR(a, 0.1, 10).per_update
    assert not ours.StepLR(a, 3).per_update
    assert ours.StepLR(a, 3).each_update().per_update
    assert ours.ReduceLROnPlateau(a).needs_metric


@pytest.mark.parametrize(("kind", "settings"), [
    ("SGD", {"max_lr": 0.5, "total_steps": 12}), ("Adam", {"max_lr": 0.5, "total_steps": 12}),
    ("Adam", {"max_lr": 0.5, "total_steps": 12, "cycle_momentum": False})])
def test_what_fit_hands_to_the_loop_sets_rates_and_momenta(kind, settings):
    """A scan over those rows is the loop that steps the schedule after every update."""
    looped, _ = pair(kind)
    stepped, _ = pair(kind)
    table = ours.OneCycleLR(looped, **settings)
    schedule = ours.OneCycleLR(stepped, **settings)
    rows = Rates(table, looped).ahead(0, 10)
    def one(optimizer):
        optimizer.zero_grad()
        sum((p * p * p).sum() for g in optimizer.param_groups for p in g["params"]).backward()
        optimizer.step()
    def body(_, row):
        looped.set_rates(row)
        one(looped)
        return (), ()
    epoch = sheer.jit(lambda r: sheer.scan(body, (), r, length=10)[1])
    epoch(sheer.tensor(rows, dtype="float64"))
    for _ in range(10):
        one(stepped)
        schedule.step()
    for g, h in zip(looped.param_groups, stepped.param_groups, strict=True):
        np.testing.assert_allclose(g["params"][0].numpy(), h["params"][0].numpy(), rtol=1e-6)
        assert g["lr"] == table.value(9, looped.param_groups.index(g))
    name = "betas" if kind == "Adam" else "momentum"
    last = looped.param_groups[0][name]
    first = last[0] if kind == "Adam" else last
    expected = table.momentum(9, 0) if table.cycle_momentum else 0.9
    assert first == pytest.approx(expected)
