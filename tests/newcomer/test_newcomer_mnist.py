"""PyTorch's basic MNIST example: runs with only its import lines changed, and learns the same."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from newcomer_helpers import SCRIPT, SHARED

import sheer


def run(folder, *options, **environment):
    """Standard output of the script in that folder."""
    done = subprocess.run([sys.executable, str(SCRIPT), *options], cwd=folder, capture_output=True,
                          text=True,
                          env={**os.environ, **environment}, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_script_runs_and_saves(workplace):
    said = run(workplace, "--dry-run", "--epochs", "2", "--save-model", "--test-batch-size", "64")
    assert re.findall(r"Train Epoch: (\d) \[0/500 \(0%\)\]\tLoss: \d\.\d{6}", said) == ["1", "2"]
    assert re.findall(r"Test set: Average loss: \d+\.\d{4}, Accuracy: \d+/120 \(\d+%\)", said)
    weights = sheer.load(workplace / "mnist_cnn.pt")
    assert list(weights) == [f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc1", "fc2")
                             for kind in ("weight", "bias")]
    assert weights["fc1.weight"].shape == (128, 9216)


def test_the_script_runs_on_the_real_digits(tmp_path):
    if not (SHARED / "mnist").is_dir():
        pytest.skip(f"needs MNIST in SHEER_DATA or ../shared/data, not in {SHARED}")
    said = run(tmp_path, "--dry-run", "--epochs", "1", SHEER_DATA=str(SHARED))
    assert "[0/60000 (0%)]" in said
    assert re.search(r"Accuracy: \d+/10000", said)


@pytest.mark.slow
def test_the_script_learns(workplace):
    said = run(workplace, "--epochs", "3", "--batch-size", "32")
    correct = int(re.findall(r"Accuracy: (\d+)/120", said)[-1])
    assert correct > 110


def losses(module, weights, capsys, epochs=1):
    """Losses of all steps of an epoch and the closing line, from fixed weights, dropout off."""
    torch = module.torch
    args = module.parse(["--log-interval", "1", "--batch-size", "64"])
    transform = module.transforms.Compose([module.transforms.ToTensor(),
                                           module.transforms.Normalize((0.1307,), (0.3081,))])
    model = module.Net()
    model.load_state_dict({k: torch.tensor(v) for k, v in weights.items()})
    model.dropout1.p = model.dropout2.p = 0.0
    optimizer = module.optim.Adadelta(model.parameters(), lr=args.lr)
    schedule = module.StepLR(optimizer, step_size=1, gamma=args.gamma)
    loaders = [torch.utils.data.DataLoader(module.datasets.MNIST("../data", train=t,
                                                                 transform=transform),
                                           batch_size=64) for t in (True, False)]
    capsys.readouterr()
    for epoch in range(1, epochs + 1):
        module.train(args, model, torch.device("cpu"), loaders[0], optimizer, epoch)
        module.test(model, torch.device("cpu"), loaders[1])
        schedule.step()
    said = capsys.readouterr().out
    return ([float(v) for v in re.findall(r"Loss: (\S+)", said)],
            [float(v) for v in re.findall(r"Average loss: (\S+),", said)],
            {k: np.array(v.detach().numpy()) for k, v in model.state_dict().items()})


def test_the_same_text_with_torch_gives_the_same_losses(workplace, script, capsys):
    pytest.importorskip("torch").set_num_threads(1)              # no quarrel over busy cores
    ours, theirs = script("sheer"), script("torch")
    theirs.torch.manual_seed(0)
    start = {k: v.numpy() for k, v in theirs.Net().state_dict().items()}
    a, a_test, a_weights = losses(ours, start, capsys)
    b, b_test, b_weights = losses(theirs, start, capsys)
    assert len(a) == len(b) == 8
    np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5)  # both round differently
    np.testing.assert_allclose(a[:4], b[:4], rtol=1e-4, atol=2e-6)
    np.testing.assert_allclose(a_test, b_test, rtol=5e-3, atol=1e-4)
    for name in a_weights:
        np.testing.assert_allclose(a_weights[name], b_weights[name], rtol=0.02, atol=2e-3,
                                   err_msg=name)
