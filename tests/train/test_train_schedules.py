"""Schedules in fit: the rate of every update and epoch is that of PyTorch's loop."""

import numpy as np
import pytest

import sheer
from sheer import nn, optim
from sheer.train import fit

EPOCHS, STEPS = 4, 7


class Line(nn.Module):
    """A weight whose gradient is 1: with SGD it falls by the rate of each update."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(sheer.tensor([0.0], dtype="float64"))

    def forward(self, x):
        return self.w


def rates_used(make, validation=None, groups=False):
    """The rate of each update, read off the weight after it, and the run's column."""
    model = Line()
    params = [{"params": [model.w]}] if groups else model.parameters()
    optimizer = optim.SGD(params, lr=0.1)
    def loss(out, y):
        return out.sum()
    x = np.zeros((STEPS, 1), np.float32)
    run = fit(model, (x, x), loss=loss, optimizer=optimizer, epochs=EPOCHS, batch_size=1,
              schedule=make(optimizer), metrics=[weight], progress=False, validation=validation)
    return model.w.item(), run


def weight(out, y):
    """The weight before the update."""
    return out.sum()


def torch_rates(make):
    """Rates of a loop as PyTorch's documentation writes it, with torch itself."""
    torch = pytest.importorskip("torch")
    w = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([w], lr=0.1)
    schedule, per_update = make(optimizer, torch.optim.lr_scheduler)
    rates = []
    for _ in range(EPOCHS):
        for _ in range(STEPS):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.zero_grad()
            w.sum().backward()
            optimizer.step()
            if per_update:
                schedule.step()
        if not per_update:
            schedule.step()
    return rates, w.item()


CASES = {
    "StepLR": lambda o, s: (s.StepLR(o, 2, 0.5), False),
    "ExponentialLR": lambda o, s: (s.ExponentialLR(o, 0.8), False),
    "LambdaLR": lambda o, s: (s.LambdaLR(o, lambda e: 1 / (1 + e)), False),
    "CosineAnnealingLR": lambda o, s: (s.CosineAnnealingLR(o, EPOCHS), False),
    "SequentialLR": lambda o, s: (s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)], milestones=[2]), False),
    "OneCycleLR": lambda o, s: (s.OneCycleLR(o, 0.3, total_steps=EPOCHS * STEPS), True),
    "CyclicLR": lambda o, s: (s.CyclicLR(o, 0.01, 0.1, step_size_up=5, cycle_momentum=False), True),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_fit_uses_the_rates_of_the_usual_loop(name):
    make = CASES[name]
    if name == "OneCycleLR":  # momentum is a choice of the schedule, not of this test
        make = lambda o, s: (s.OneCycleLR(o, 0.3, total_steps=EPOCHS * STEPS, cycle_momentum=False),
                             True)
    rates, end = torch_rates(make)
    found, run = rates_used(lambda o: make(o, optim.lr_scheduler)[0])
    assert found == pytest.approx(end, rel=1e-9)
    last = [rates[STEPS * e + STEPS - 1] for e in range(EPOCHS)]
    assert run.column("rate") == pytest.approx(last, rel=1e-9)


def test_any_schedule_can_be_counted_in_updates():
    found, _ = rates_used(lambda o: optim.lr_scheduler.ExponentialLR(o, 0.9).each_update())
    assert found == pytest.approx(-sum(0.1 * 0.9 ** t for t in range(EPOCHS * STEPS)), rel=1e-9)


def test_a_plateau_sees_the_validation_loss():
    x = np.zeros((2, 1), np.float32)
    _, run = rates_used(lambda o: optim.lr_scheduler.ReduceLROnPlateau(o, mode="max", patience=0,
                                                                       factor=0.5),
                        validation=(x, x))
    assert run.column("rate") == pytest.approx([0.1, 0.1, 0.05, 0.025])


def test_a_schedule_is_one_program(problem):
    """The rate is data: no epoch compiles again."""
    from sheer.train.session import Session
    model, optimizer = problem.make()
    session = Session(model, problem.loss, optimizer, {})
    from sheer.train.source import as_source
    source = as_source((problem.x[:96], problem.y[:96]), 16, 0, True, False)
    for epoch in range(3):
        for part in source.slices(epoch, 6):
            session.train(part.memory, part.parts, np.full((part.count, 1), 0.1 / (1 + epoch)))
    assert session.programs[0].traces == 1


@pytest.mark.parametrize(("kind", "settings"), [("SGD", {"momentum": 0.9}), ("Adam", {})])
@pytest.mark.parametrize("schedule", [
    lambda o: optim.lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=16),
    lambda o: optim.lr_scheduler.CyclicLR(o, 0.01, 0.1, step_size_up=3)])
def test_a_cycling_momentum_is_that_of_each_update(kind, settings, schedule):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 3)).astype(np.float32)
    y = x.sum(1, keepdims=True)
    def made():
        sheer.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = getattr(optim, kind)(model.parameters(), lr=0.1, **settings)
        return model, optimizer, schedule(optimizer)
    model, optimizer, cycle = made()
    fit(model, (x, y), loss=nn.MSELoss(), optimizer=optimizer, epochs=2, batch_size=8,
        shuffle=False, schedule=cycle, progress=False)
    other, optimizer, cycle = made()
    for i in [*range(0, 64, 8)] * 2:
        optimizer.zero_grad()
        nn.MSELoss()(other(sheer.tensor(x[i:i + 8])), sheer.tensor(y[i:i + 8])).backward()
        optimizer.step()
        cycle.step()
    np.testing.assert_allclose(model.weight.numpy(), other.weight.numpy(), rtol=1e-5)


def test_an_optimizer_may_hold_only_some_of_the_weights():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    first = model[0].weight.numpy().copy()
    x = np.ones((8, 3), np.float32)
    before = model[1].weight.numpy().copy()
    fit(model, (x, x[:, :1]), loss=nn.MSELoss(), optimizer=optim.SGD(model[1].parameters(), lr=0.1),
        epochs=2, batch_size=4, progress=False)
    np.testing.assert_array_equal(model[0].weight.numpy(), first)
    assert not np.array_equal(model[1].weight.numpy(), before)
    assert model[0].weight.grad is None
