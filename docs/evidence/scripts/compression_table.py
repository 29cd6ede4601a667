#!/usr/bin/env python3
"""Prints the table of docs/evidence/cifar10.md or fashion-mnist.md and writes its JSON.

usage: compression_table.py RUNS_DIR OUT.json     RUNS_DIR as compression.sh leaves it
Rows that OUT.json has and RUNS_DIR has not are kept: a sitting adds to earlier ones. Accuracies and
bytes are compared with the teacher's; a student of another teacher ends the script.
"""

import hashlib
import json
import os
import sys


# What others published for the nearest thing, lossless images where they are of CIFAR.
PUBLISHED = {
    "resnet20": "CIFAR-10: 91.25 % (He et al. 2016)",
    "resnet56": "CIFAR-10: 93.03 % (He et al. 2016)",
    "resnet20-int8-minmax": "ResNet-50, ImageNet, weights only: 76.14 to 76.10 (Apple, coremltools)",
    "resnet20-int8-qat": "ResNet-50, ImageNet: 76.14 to 76.80 (Apple, coremltools)",
    "resnet20-prune-2x": "ResNet-56 at 2.0x: 93.26 to 93.17 (HRank); at 2.13x: 93.53 to 93.77 (DepGraph)",
    "resnet20-low-rank-1.5x": "text recognition: 4.5x faster at less than 1 point (Jaderberg et al. 2014)",
    "resnet20-tucker-1.5x": "VGG-16, ImageNet, 4.93x: top-5 -0.50 (Kim et al. 2016)",
    "resnet20-cp-1.5x": "text recognition: 8.5x faster at 91 to 90 (Lebedev et al. 2015)",
    "resnet20-palette-4bit": "MobileNetV1, ImageNet, 5 bits: 70.98 to 69.4 (TensorFlow Model Optimization)",
    "resnet20-sparse-2of4": "InceptionV3, ImageNet: 78.1 to 75.8 (TensorFlow Model Optimization)",
    "resnet20-sparse-80": "InceptionV3, ImageNet, 75 and 87.5 %: 78.1 to 76.1 and 74.6 (TensorFlow Model Optimization)",
    "resnet20-mixed-wire": "LeNet-5, MNIST: 39x wire at no loss (Deep Compression)",
    "distill-resnet8-1": "CIFAR-100, ResNet-56 to 20: 69.06 alone, 70.66 distilled (Tian et al. 2020)",
    "attention-resnet8-1": "CIFAR-100, ResNet-56 to 20: 70.55 (Tian et al. 2020)",
    "decoupled-resnet8-1": "CIFAR-100, ResNet-56 to 20: 71.97 (Zhao et al. 2022)",
    "hints-resnet8-1": "CIFAR-100, ResNet-56 to 20: 69.21 (Tian et al. 2020)",
    "relational-resnet8-1": "CIFAR-100, ResNet-56 to 20: 69.61 (Tian et al. 2020)",
}

# Rows that are no students of resnet20, but teachers of it.
TEACHERS = ("resnet56",)


def read(*parts):
    path = os.path.join(*parts)
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def row_of(runs, name):
    row = {"name": name, **read(runs, name, "evaluation.json")}
    row["weightsSha256"] = digest(os.path.join(runs, name, "weights.safetensors"))
    row["teacherSha256"] = read(runs, name, "model.json")["provenance"]["teacherSha256"]
    report = read(runs, name, "report.json")
    for note in report.get("notes", {}).values():
        if isinstance(note, dict) and "accuracyInTraining" in note:
            row["accuracyInTraining"] = note["accuracyInTraining"]
    stages = report.get("stages", [])
    if stages:
        row["fp32P50Micros"] = stages[-1].get("fp32P50Micros")
        row["int8P50Micros"] = stages[-1].get("int8P50Micros")
    return row


def main(runs, out):
    rows = {row["name"]: row for row in read(out) or []}
    for name in os.listdir(runs):
        if os.path.exists(os.path.join(runs, name, "evaluation.json")):
            rows[name] = row_of(runs, name)
    teacher = rows["resnet20"]
    own = os.path.join(runs, "resnet20", "weights.safetensors")
    if os.path.exists(own):
        teacher["weightsSha256"] = digest(own)  # of a model that was kept without its evaluation
    # Rows of before digests were kept have none.
    others = [
        name
        for name, row in rows.items()
        if name != "resnet20" and not name.startswith(TEACHERS) and row.get("teacherSha256", "") not in ("", teacher.get("weightsSha256"))
    ]
    if others:
        sys.exit(f"of another teacher than {runs}/resnet20: {', '.join(sorted(others))}")
    rows = sorted(rows.values(), key=lambda row: (row["name"] != "resnet20", row["name"]))
    with open(out, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=2)
        file.write("\n")
    print("| Model | Accuracy, % | Points | MACs fewer | File smaller | Wire smaller | As training simulated it, % | Published |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        simulated = row.get("accuracyInTraining")
        print(
            f'| {row["name"]} | {100 * row["accuracy"]:.2f} | {100 * (row["accuracy"] - teacher["accuracy"]):+.2f} '
            f'| {teacher["macs"] / row["macs"]:.2f}x | {teacher["fileBytes"] / row["fileBytes"]:.2f}x '
            f'| {teacher["wireBytes"] / row["wireBytes"]:.2f}x '
            f'| {"" if simulated is None else format(100 * simulated, ".2f")} '
            f'| {PUBLISHED.get(row["name"], "")} |'
        )


main(sys.argv[1], sys.argv[2])
