"""The peer of TrainingBenchmark: the same network, batch, layout and step in PyTorch for Python.

usage: training_throughput.py BATCH THREADS STEPS
One line on standard output: images per second, as the median and the best of the steps.
"""

import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut, a projection where shapes differ."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.short = None
        if stride != 1 or cin != cout:
            self.short = nn.Sequential(
                nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.short is None else self.short(x)))


def resnet20():
    layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    cin = 16
    for stage, cout in enumerate((16, 32, 64)):
        for block in range(3):
            layers.append(Block(cin, cout, 2 if stage and block == 0 else 1))
            cin = cout
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(*layers)


def main():
    batch, threads, steps = (int(a) for a in sys.argv[1:4])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = resnet20().to(memory_format=torch.channels_last).train()
    decayed = [p for n, p in net.named_parameters() if p.dim() > 1]
    others = [p for n, p in net.named_parameters() if p.dim() == 1]
    sgd = torch.optim.SGD(
        [{"params": decayed, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0}],
        lr=0.01, momentum=0.9, nesterov=True)
    # The images come as NCHW and are laid out anew in each step, as TrainingBenchmark's do.
    images = torch.randn(batch, 3, 32, 32)
    labels = torch.arange(batch) % 10

    def step():
        sgd.zero_grad(set_to_none=False)
        loss = F.cross_entropy(net(images.contiguous(memory_format=torch.channels_last)), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        sgd.step()
        return loss.item()

    for _ in range(10):
        step()
    speeds = []
    for _ in range(steps):
        start = time.perf_counter()
        step()
        speeds.append(batch / (time.perf_counter() - start))
    print("median %.1f best %.1f params %d" % (
        statistics.median(speeds), max(speeds), sum(p.numel() for p in net.parameters())))


main()
