"""MNIST, as PyTorch's basic example does it; only the import lines name sheer.

    python examples/mnist.py --epochs 1
"""

# ruff: noqa: PLR0402, PLW2901, SIM108  the lines stand as in PyTorch's example

import argparse

import sheer as torch
import sheer.nn as nn
import sheer.nn.functional as F
import sheer.optim as optim
from sheer.data import datasets, transforms
from sheer.optim.lr_scheduler import StepLR


class Net(nn.Module):
    """Two convolutions, two dense layers, log-probabilities of ten digits."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1)
        self.conv2 = nn.Conv2d(32, 64, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):                        # (B, 1, 28, 28)
        x = F.relu(self.conv1(x))                # (B, 32, 26, 26)
        x = F.relu(self.conv2(x))                # (B, 64, 24, 24)
        x = F.max_pool2d(x, 2)                   # (B, 64, 12, 12)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)                  # (B, 9216)
        x = F.relu(self.fc1(x))                  # (B, 128)
        x = self.dropout2(x)
        x = self.fc2(x)                          # (B, 10)
        return F.log_softmax(x, dim=1)


def train(args, model, device, train_loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            seen, total = batch_idx * len(data), len(train_loader.dataset)
            share = 100. * batch_idx / len(train_loader)
            print(f"Train Epoch: {epoch} [{seen}/{total} ({share:.0f}%)]\tLoss: {loss.item():.6f}")
            if args.dry_run:
                break


def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()

    total = len(test_loader.dataset)
    test_loss /= total
    print(f"\nTest set: Average loss: {test_loss:.4f}, "
          f"Accuracy: {correct}/{total} ({100. * correct / total:.0f}%)\n")


def parse(argv=None):
    parser = argparse.ArgumentParser(description="MNIST with convolutions")
    parser.add_argument("--batch-size", type=int, default=64, help="rows per update")
    parser.add_argument("--test-batch-size", type=int, default=1000,
                        help="rows per batch of the test")
    parser.add_argument("--epochs", type=int, default=14, help="passes over the training rows")
    parser.add_argument("--lr", type=float, default=1.0, help="learning rate")
    parser.add_argument("--gamma", type=float, default=0.7, help="learning rate factor per epoch")
    parser.add_argument("--no-accel", action="store_true", help="do not use an accelerator")
    parser.add_argument("--dry-run", action="store_true", help="one batch per epoch")
    parser.add_argument("--seed", type=int, default=1, help="of weights, order and dropout")
    parser.add_argument("--log-interval", type=int, default=10, help="batches between two lines")
    parser.add_argument("--save-model", action="store_true", help="write the weights at the end")
    return parser.parse_args(argv)


def main():
    args = parse()
    use_accel = not args.no_accel and torch.accelerator.is_available()

    torch.manual_seed(args.seed)

    if use_accel:
        device = torch.accelerator.current_accelerator()
    else:
        device = torch.device("cpu")

    train_kwargs = {"batch_size": args.batch_size}
    test_kwargs = {"batch_size": args.test_batch_size}
    if use_accel:
        accel_kwargs = {"num_workers": 1, "persistent_workers": True, "pin_memory": True,
                        "shuffle": True}
        train_kwargs.update(accel_kwargs)
        test_kwargs.update(accel_kwargs)

    transform = transforms.Compose([
        transforms.ToTensor(),
        transforms.Normalize((0.1307,), (0.3081,)),
    ])
    dataset1 = datasets.MNIST("../data", train=True, download=True, transform=transform)
    dataset2 = datasets.MNIST("../data", train=False, transform=transform)
    train_loader = torch.utils.data.DataLoader(dataset1, **train_kwargs)
    test_loader = torch.utils.data.DataLoader(dataset2, **test_kwargs)

    model = Net().to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)

    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, train_loader, optimizer, epoch)
        test(model, device, test_loader)
        scheduler.step()

    if args.save_model:
        torch.save(model.state_dict(), "mnist_cnn.pt")


if __name__ == "__main__":
    main()
