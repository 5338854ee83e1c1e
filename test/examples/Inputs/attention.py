"""Attention in NumPy, and what runs an example and compares."""

import argparse
import pathlib
import subprocess

import numpy


def bf16(x):
    """Rounded to nearest even, still as f32."""
    bits = numpy.asarray(x, numpy.float32).view(numpy.uint32)
    rounded = bits + 0x7FFF + (bits >> 16 & 1)
    return (rounded & 0xFFFF0000).astype(numpy.uint32).view(numpy.float32)


def attend(q, k, v, causal=False, positions=None, width=None):
    """Attention of one head, and the logarithm of the sum of exponentials.

    Causal attention is aligned at the last query and key, or query i is at
    `positions[i]`. Scores are divided by the root of `width`.
    """
    q, k, v = (numpy.asarray(x, numpy.float64) for x in (q, k, v))
    scores = q @ k.T / numpy.sqrt(width or q.shape[1])
    if causal:
        if positions is None:
            positions = numpy.arange(len(q)) + len(k) - len(q)
        hidden = numpy.arange(len(k))[None, :] > numpy.asarray(positions)[:, None]
        scores[hidden] = -numpy.inf
    top = scores.max(axis=1, initial=-1e30)
    weights = numpy.exp(scores - top[:, None])
    total = weights.sum(axis=1)
    with numpy.errstate(divide="ignore"):
        logarithm = numpy.where(total > 0, top + numpy.log(total), -numpy.inf)
    return weights @ v / numpy.where(total > 0, total, 1)[:, None], logarithm


def check(what, found, expected):
    """Compares outputs and logarithms; attention in bf16 is this close."""
    for name, x, y, tolerance in zip(("O", "L"), found, expected, (2e-2, 1e-3)):
        x = numpy.asarray(x, numpy.float64)
        assert x.shape == y.shape, f"{what}: {name} is {x.shape}, not {y.shape}"
        with numpy.errstate(invalid="ignore"):
            same = (x == y) | (abs(x - y) <= tolerance)
        assert same.all(), f"{what}: {name}{numpy.argwhere(~same)[0]} is wrong"
    print(f"{what}: ok")


def make_parser(description):
    """Arguments that every script has: the program, and where to put arrays."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("program")
    parser.add_argument("folder")
    return parser


def make_packed_parser(description):
    """Arguments of packed sequences, which have their own numbers of rows."""
    parser = make_parser(description)
    parser.add_argument("--queries", type=int, nargs="+", required=True)
    parser.add_argument("--keys", type=int, nargs="+", required=True)
    parser.add_argument("--heads", type=int, nargs=2, default=[2, 1])
    return parser


def make_cached_parser(description, heads):
    """Arguments of sequences that have as many queries and lengths of their own."""
    parser = make_parser(description)
    parser.add_argument("--lengths", type=int, nargs="+", required=True)
    parser.add_argument("--queries", type=int, default=1)
    parser.add_argument("--heads", type=int, default=heads)
    return parser


def starts(lengths):
    """Where packed sequences begin, and the last one ends."""
    return [sum(lengths[:i]) for i in range(len(lengths) + 1)]


class Run:
    """A call of `heddle run`, as its sizes and inputs become known."""

    def __init__(self, program, folder, arguments, heddle="heddle"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.command = [heddle, "run", program, *arguments]
        self.generator = numpy.random.default_rng(7)

    def size(self, **sizes):
        for name, size in sizes.items():
            self.command += ["--size", f"{name}={size}"]

    def input(self, name, array, dtype=numpy.int32):
        path = self.folder / f"{name}.npy"
        numpy.save(path, numpy.asarray(array, dtype))
        self.command += ["--input", f"{name}={path}"]

    def random(self, name, *shape):
        """An input of normal numbers, which bf16 can hold."""
        array = bf16(self.generator.standard_normal(shape))
        self.input(name, array, numpy.float32)
        return array

    def __call__(self, *names, **options):
        """The outputs of these names, as f32; options go to `subprocess.run`."""
        paths = [self.folder / f"{name}.npy" for name in names]
        for name, path in zip(names, paths):
            self.command += ["--output", f"{name}={path}"]
        subprocess.run(self.command, check=True, **options)
        outputs = []
        for path in paths:
            array = numpy.load(path)
            if array.dtype.kind == "V":
                bits = array.view(numpy.uint16).astype(numpy.uint32) << 16
                array = bits.view(numpy.float32)
            outputs.append(array)
        return outputs
