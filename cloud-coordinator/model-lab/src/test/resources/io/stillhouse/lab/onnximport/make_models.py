"""Writes image classifiers with ONNX's own Python tools, in the spellings of several exporters.

Usage: make_models.py FOLDER. Good ones go to FOLDER/good, those that cannot be imported to
FOLDER/bad. Weights are random with a fixed seed.
"""

import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

random = np.random.RandomState(5)


class Model:
    """A graph that grows node by node; each call returns the name of its result."""

    def __init__(self, shape, opset, batch="batch"):
        self.nodes, self.initializers = [], []
        self.opset = opset
        self.last = "input"
        self.input = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [batch, *shape])

    def put(self, values, dtype=np.float32):
        name = f"const.{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.array(values, dtype=dtype), name))
        return name

    def weight(self, *shape):
        fan = int(np.prod(shape[1:]))
        return self.put(random.randn(*shape) * np.sqrt(2.0 / fan))

    def op(self, kind, *inputs, outputs=1, **attributes):
        names = [f"/net/{kind}_{len(self.nodes)}:{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, f"n{len(self.nodes)}", **attributes))
        self.last = names[0]
        return names if outputs > 1 else names[0]

    def conv(self, x, cin, cout, k=3, stride=1, pad=None, groups=1, bias=True, **more):
        pad = k // 2 if pad is None else pad
        inputs = [x, self.weight(cout, cin // groups, k, k)]
        if bias:
            inputs.append(self.put(random.randn(cout) * 0.1))
        if "auto_pad" not in more:
            more["pads"] = [pad] * 4
        return self.op("Conv", *inputs, strides=[stride, stride], group=groups, **more)

    def norm(self, x, channels):
        parts = [random.rand(channels) + 0.5, random.randn(channels), random.randn(channels) * 0.1, random.rand(channels) + 0.5]
        return self.op("BatchNormalization", x, *[self.put(p) for p in parts], epsilon=1e-3)

    def linear(self, x, cin, cout):
        return self.op("Gemm", x, self.weight(cout, cin), self.put(random.randn(cout)), transB=1)

    def save(self, path, rank=2, **options):
        self.nodes[-1].output[0] = "logits"
        output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [None] * rank)
        graph = helper.make_graph(self.nodes, "net", [self.input], [output], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 7
        onnx.checker.check_model(model)
        onnx.save_model(model, path, **options)


def residual(path):
    """As a framework exports it for training: normalisation apart, flattening by shape arithmetic."""
    m = Model([3, 16, 16], 13)
    x = m.op("Relu", m.norm(m.conv("input", 3, 8, bias=False), 8))
    y = m.op("Relu", m.norm(m.conv(x, 8, 8, bias=False), 8))
    y = m.norm(m.conv(y, 8, 8, bias=False), 8)
    x = m.op("Relu", m.op("Add", y, x))
    y = m.norm(m.conv(x, 8, 16, stride=2, bias=False), 16)
    x = m.op("Relu", m.op("Add", y, m.norm(m.conv(x, 8, 16, k=1, stride=2, bias=False), 16)))
    x = m.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    shape = m.op("Shape", x)
    first = m.op("Gather", shape, m.put(0, np.int64), axis=0)
    first = m.op("Unsqueeze", first, m.put([0], np.int64))
    target = m.op("Concat", first, m.put([-1], np.int64), axis=0)
    x = m.op("Reshape", x, target)
    m.linear(x, 16 * 4 * 4, 5)
    m.save(path)


def inverted(path):
    """Depthwise blocks with hard swish and gates, as operator set 14 names them."""
    m = Model([3, 16, 16], 14, batch=1)
    x = m.op("HardSwish", m.conv("input", 3, 16, stride=2))
    y = m.op("Clip", m.conv(x, 16, 32, k=1), m.put(0.0), m.put(6.0))
    y = m.op("Clip", m.conv(y, 32, 32, k=5, groups=32), m.put(0.0), m.put(6.0))
    gate = m.op("GlobalAveragePool", y)
    gate = m.op("Relu", m.conv(gate, 32, 8, k=1))
    gate = m.op("HardSigmoid", m.conv(gate, 8, 32, k=1), alpha=1 / 6, beta=0.5)
    y = m.op("Mul", gate, y)
    x = m.op("Add", m.conv(y, 32, 16, k=1), x)
    x = m.op("Mul", x, m.op("Sigmoid", x))
    x = m.op("ReduceMean", x, axes=[2, 3], keepdims=0)
    x = m.op("Dropout", x, m.put(0.2))
    x = m.linear(x, 16, 7)
    m.op("Softmax", x, axis=1)
    m.save(path)


def spelled_out(path):
    """Hard swish in single steps, biases as sums, MatMul, padding apart: what converters write."""
    m = Model([1, 12, 12], 11)
    x = m.op("Pad", "input", m.put([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    x = m.conv(x, 1, 8, pad=0, bias=False)
    x = m.op("Add", x, m.put(random.randn(1, 8, 1, 1) * 0.1))
    part = m.op("Clip", m.op("Add", x, m.put(3.0)), m.put(0.0), m.put(6.0))
    x = m.op("Div", m.op("Mul", x, part), m.put(6.0))
    x = m.conv(x, 8, 8, auto_pad="SAME_UPPER")
    part = m.op("Clip", m.op("Add", x, m.put(3.0)), m.put(0.0), m.put(6.0))
    x = m.op("Mul", x, m.op("Mul", part, m.put(1 / 6)))
    x = m.op("AveragePool", x, kernel_shape=[12, 12])
    x = m.op("Squeeze", x, axes=[2, 3])
    x = m.op("MatMul", x, m.put(random.randn(8, 6)))
    m.op("Add", x, m.put(random.randn(6)))
    m.save(path)


def shuffled(path):
    """Split, channel shuffle and concatenation, with a fixed batch of two in the shuffle."""
    m = Model([3, 8, 8], 13, batch=2)
    x = m.op("Relu", m.conv("input", 3, 12))
    left, right = m.op("Split", x, m.put([6, 6], np.int64), outputs=2, axis=1)
    right = m.op("Relu", m.conv(right, 6, 6, groups=6))
    x = m.op("Concat", left, right, axis=1)
    x = m.op("Reshape", x, m.put([2, 2, 6, 8, 8], np.int64))
    x = m.op("Transpose", x, perm=[0, 2, 1, 3, 4])
    x = m.op("Reshape", x, m.put([2, -1, 8, 8], np.int64))
    tail = m.op("Slice", x, m.put([4], np.int64), m.put([9223372036854775807], np.int64), m.put([1], np.int64))
    x = m.op("GlobalAveragePool", m.conv(tail, 8, 9, k=1))
    x = m.op("Flatten", x)
    m.linear(x, 9, 4)
    m.save(path)


def halved(path):
    """Half of an odd number of channels, computed from the shape as an exporter writes chunk()."""
    m = Model([3, 8, 8], 13)
    x = m.conv("input", 3, 7)
    channels = m.op("Gather", m.op("Shape", x), m.put([1], np.int64), axis=0)
    half = m.op("Div", m.op("Add", channels, m.put([0], np.int64)), m.put([2], np.int64))
    x = m.op("Slice", x, half, channels, m.put([1], np.int64))
    x = m.op("Flatten", m.op("GlobalAveragePool", x))
    m.linear(x, 4, 3)
    m.save(path)


def beside(path):
    """Weights in a second file, in 16 and 32 bits."""
    m = Model([1, 8, 8], 13)
    x = m.op("Relu", m.conv("input", 1, 4))
    x = m.op("Flatten", x)
    half = m.put(random.randn(256, 3) * 0.1, np.float16)
    m.op("MatMul", x, m.op("Cast", half, to=TensorProto.FLOAT))
    m.save(path, save_as_external_data=True, location=os.path.basename(path) + ".data", size_threshold=0)


def refused(name, build, opset=13, shape=(1, 8, 8), rank=2):
    m = Model(list(shape), opset)
    build(m)
    m.save(f"{sys.argv[1]}/bad/{name}.onnx", rank)


def tail(m, x, channels=4):
    m.linear(m.op("Flatten", m.op("GlobalAveragePool", x)), channels, 2)


for sub in ("good", "bad"):
    os.makedirs(f"{sys.argv[1]}/{sub}", exist_ok=True)
for make in (residual, inverted, spelled_out, shuffled, halved, beside):
    make(f"{sys.argv[1]}/good/{make.__name__}.onnx")

refused("leaky", lambda m: tail(m, m.op("LeakyRelu", m.conv("input", 1, 4))))
refused("dilated", lambda m: tail(m, m.conv("input", 1, 4, pad=2, dilations=[2, 2])))
refused("strides", lambda m: tail(m, m.op("Conv", "input", m.weight(4, 1, 3, 3), strides=[1, 2])))
refused("lopsided", lambda m: tail(m, m.op("Conv", "input", m.weight(4, 1, 3, 3), pads=[0, 0, 1, 1])))
refused("clip", lambda m: tail(m, m.op("Clip", m.conv("input", 1, 4), m.put(-1.0), m.put(1.0))))
refused("middle_softmax", lambda m: tail(m, m.op("Softmax", m.conv("input", 1, 4), axis=1)))
refused("channels_last", lambda m: tail(m, m.op("Transpose", m.conv("input", 1, 4), perm=[0, 2, 3, 1])))
refused("no_classes", lambda m: m.conv("input", 1, 4), rank=4)
def quantized(m):
    weight = m.put(np.ones((4, 1, 3, 3)), np.int8)
    real = m.op("DequantizeLinear", weight, m.put(0.1), m.put(0, np.int8))
    tail(m, m.op("Conv", "input", real))


refused("quantized", quantized)
refused("scaled", lambda m: tail(m, m.op("Mul", m.conv("input", 1, 4), m.put(2.0))))
refused("old_opset", lambda m: tail(m, m.conv("input", 1, 4)), opset=6)
refused("other_shape", lambda m: tail(m, m.conv("input", 3, 4)), shape=(3, 8, 8))
