"""Runs a recurrence of examples/ that treats channels one by one, and compares
it with a loop over tokens in f64.

Other arguments go to `heddle run`.
"""

import pathlib

import numpy
from attention import Run, bf16, make_parser
from recurrence import check

parser = make_parser(__doc__)
parser.add_argument("--length", type=int, nargs="+", default=[1])
parser.add_argument("--batch", type=int, default=2)
parser.add_argument("--channels", type=int, default=130)
parser.add_argument("--states", type=int, default=16)
parser.add_argument("--ungated", action="store_true")
parser.add_argument("--segments", type=int)
arguments, rest = parser.parse_known_args()
batch, length, channels = arguments.batch, sum(arguments.length), arguments.channels
generator = numpy.random.default_rng(5)
run = Run(arguments.program, arguments.folder, rest)


def given(name, array, dtype=numpy.float32):
    """An input, and what of it is left in its type."""
    array = numpy.asarray(array, numpy.float32)
    run.input(name, array, dtype)
    return array.astype(numpy.float64)


def normal(*shape):
    return generator.standard_normal(shape)


def softplus(x):
    return numpy.logaddexp(x, 0)


def gates(*shape):
    """Gates of all sizes: those that forget everything, and that nothing."""
    gates = -softplus(normal(*shape) * 4)
    gates[generator.random(shape) < 0.05] = -100
    gates[..., :2] = 0
    return bf16(gates)


def first_order():
    run.size(B=batch, T=length, D=channels)
    if arguments.segments:
        run.size(SEGMENTS=arguments.segments)
    x = given("x", bf16(normal(batch, length, channels)))
    g = given("g", gates(batch, length, channels))
    h = given("first", normal(batch, channels))
    states = numpy.empty(x.shape)
    for t in range(length):
        h = numpy.exp(g[:, t]) * h + x[:, t]
        states[:, t] = h
    found, last = run("h", "last")
    check("h", found, states, 0.004)
    check("last", last, h, 1e-4)


def packed():
    count = len(arguments.length)
    run.size(N=count, STARTS=count + 1, T=length, D=channels)
    x = given("x", bf16(normal(length, channels)))
    g = given("g", gates(length, channels))
    h = given("first", normal(count, channels))
    starts = numpy.cumsum([0, *arguments.length])
    run.input("starts", starts)
    states = numpy.empty(x.shape)
    for n in range(count):
        for t in range(starts[n], starts[n + 1]):
            h[n] = numpy.exp(g[t]) * h[n] + x[t]
            states[t] = h[n]
    found, last = run("h", "last")
    check("h", found, states, 0.004)
    check("last", last, h, 1e-4)


def first_order_backward():
    run.size(B=batch, T=length, D=channels)
    g = given("g", gates(batch, length, channels))
    h = given("h", bf16(normal(batch, length, channels)))
    first = given("first", normal(batch, channels))
    dh = given("dh", bf16(normal(batch, length, channels)))
    carried = given("dlast", normal(batch, channels))
    dx, dg = numpy.empty(g.shape), numpy.empty(g.shape)
    for t in reversed(range(length)):
        dx[:, t] = dh[:, t] + carried
        before = h[:, t - 1] if t else first
        carried = numpy.exp(g[:, t]) * dx[:, t]
        dg[:, t] = carried * before
    found = run("dx", "dg", "dfirst")
    check("dx", found[0], dx, 0.004)
    check("dg", found[1], dg, 0.004)
    check("dfirst", found[2], carried, 1e-4)


def selective(decodes):
    states, gated = arguments.states, not arguments.ungated
    run.size(B=batch, D=channels, N=states, Z=batch if gated else 0)
    if not decodes:
        run.size(L=length)

    def tokens(name, array):
        array = bf16(array)
        run.input(name, array[..., 0] if decodes else array, numpy.float32)
        return array.astype(numpy.float64)

    u = tokens("u", normal(batch, channels, length))
    raw = tokens("delta", normal(batch, channels, length) * 3)
    # As Mamba initializes them, and some that decay at once or never.
    a = -numpy.tile(numpy.arange(1, states + 1), (channels, 1)).astype(float)
    a[3::7] *= 100
    a[5::7] *= 1e-4
    a = given("A", a)
    b = tokens("Bs", normal(batch, states, length))
    c = tokens("Cs", normal(batch, states, length))
    skip = given("Ds", normal(channels) * 0.2)
    z = tokens("z", normal(batch if gated else 0, channels, length))
    bias = given("bias", normal(channels) - 2)
    h = given("h" if decodes else "first", normal(batch, channels, states))
    out = numpy.empty(u.shape)
    for t in range(length):
        delta = softplus(raw[:, :, t] + bias)[:, :, None]
        h = numpy.exp(delta * a) * h + delta * u[:, :, t, None] * b[:, None, :, t]
        out[:, :, t] = (h * c[:, None, :, t]).sum(-1) + skip * u[:, :, t]
    if gated:
        out *= z / (1 + numpy.exp(-z))
    found, last = run("out", "h" if decodes else "last")
    check("out", found, out[..., 0] if decodes else out, 0.004)
    check("last", last, h, 1e-3)


name = pathlib.Path(arguments.program).stem
if name.startswith("selective_scan"):
    selective(name.endswith("decode"))
elif name.endswith("backward"):
    first_order_backward()
elif name.endswith("varlen"):
    packed()
else:
    first_order()
