"""A classifier trained with generated digits beside real ones, and without: the difference."""

import numpy as np
import pytest

import sheer
from sheer import nn, optim
from sheer.data import load_arrays, train_validation_test_split
from sheer.train import evaluate, fit

pytestmark = pytest.mark.slow
NOISE, CLASSES, STEPS, BATCH = 16, 10, 1500, 64


class Generator(nn.Module):
    """(noise, class) -> a picture of 64 numbers in [0, 1]."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(NOISE + CLASSES, 128), nn.ReLU(), nn.Linear(128, 128),
                                 nn.ReLU(), nn.Linear(128, 64), nn.Sigmoid())

    def forward(self, z, hot):
        return self.net(sheer.cat([z, hot], 1))


class Critic(nn.Module):
    """(picture, class) -> the logit of its being real."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64 + CLASSES, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3),
                                 nn.Linear(128, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))

    def forward(self, x, hot):
        return self.net(sheer.cat([x, hot], 1)).squeeze(1)


def trained_generator(x, y, seed):
    """A conditional GAN with the non-saturating loss.  Goodfellow et al. 2014, arXiv:1406.2661;
    Mirza and Osindero 2014, arXiv:1411.1784."""
    sheer.manual_seed(seed)
    generator, critic = Generator(), Critic()
    make = optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
    judge = optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.999))
    loss = nn.BCEWithLogitsLoss()
    ones, zeros = sheer.ones(BATCH), sheer.zeros(BATCH)
    @sheer.jit
    def step(real, hot):
        made = generator(sheer.randn(BATCH, NOISE), hot)
        judge.zero_grad()
        cost = loss(critic(real, hot), ones * 0.9) + loss(critic(made.detach(), hot), zeros)
        cost.backward()
        judge.step()
        make.zero_grad()
        fooled = loss(critic(generator(sheer.randn(BATCH, NOISE), hot), hot), ones)
        fooled.backward()
        make.step()
        judge.zero_grad()
        return cost.detach(), fooled.detach()
    rng = np.random.default_rng(seed)
    eye = np.eye(CLASSES, dtype=np.float32)
    for _ in range(STEPS):
        rows = rng.integers(0, len(x), BATCH)
        step(sheer.tensor(x[rows]), sheer.tensor(eye[y[rows]]))
    return generator


def generated(generator, count, seed):
    """As many pictures of each class."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % CLASSES
    z = sheer.tensor(rng.normal(size=(count, NOISE)).astype(np.float32))
    with sheer.no_grad():
        x = generator(z, sheer.tensor(np.eye(CLASSES, dtype=np.float32)[y]))
    return x.numpy(), y


def classified(x, y, held, seed):
    """Test accuracy of a small network after as many updates, whatever the number of rows."""
    sheer.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    fit(model, (x, y), loss=nn.CrossEntropyLoss(), batch_size=32, seed=seed,
        epochs=round(1500 * 32 / len(x)), progress=False,
        optimizer=optim.Adam(model.parameters(), lr=1e-3))
    return evaluate(model, held, loss=nn.CrossEntropyLoss(), metrics=["accuracy"])["accuracy"]


@pytest.mark.system("GAN-based augmentation")
def test_generated_digits_beside_real_ones(figure):
    digits = load_arrays("digits")
    x = (digits.train.x.reshape(-1, 64) / digits.top).astype(np.float32)
    y = digits.train.y
    differences, plain, recognised = [], [], []
    for seed in range(6):
        parts = train_validation_test_split(y, validation=0.4, test=0.5, stratify=y, seed=seed)
        few, held = parts.train, (x[parts.test], y[parts.test])     # 180 rows to learn from
        generator = trained_generator(x[few], y[few], seed)
        new_x, new_y = generated(generator, 2 * len(few), seed)
        without = classified(x[few], y[few], held, seed)
        with_them = classified(np.concatenate([x[few], new_x]), np.concatenate([y[few], new_y]),
                               held, seed)
        plain.append(without)
        differences.append(with_them - without)
        # Do the pictures show what they should? Says a network that has seen other real ones.
        other = parts.validation
        recognised.append(classified(x[other], y[other], (new_x, new_y), seed))
    mean = float(np.mean(differences))
    half = 2.571 * float(np.std(differences, ddof=1)) / len(differences) ** 0.5   # t, 5 degrees
    assert np.mean(recognised) > 0.8
    assert np.isfinite(half)
    assert mean - half > -0.05                                   # they do no great harm
    figure(f"digits, 180 real rows, 6 seeds: {np.mean(plain):.1%} without; with 360 generated "
           f"{mean * 100:+.1f} points, 95 % interval {(mean - half) * 100:+.1f} to "
           f"{(mean + half) * 100:+.1f}; {np.mean(recognised):.0%} of the generated are recognised")
