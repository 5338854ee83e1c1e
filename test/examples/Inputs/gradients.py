"""Gradients of attention in NumPy, and how far others may be off.

Errors are compared with those of a plain implementation that keeps every tensor
in bf16, as tests of attention usually do: at most twice as large.
"""

import numpy
from attention import bf16


def differentiate(q, k, v, g, causal, keep):
    """The gradients of one head; `keep` rounds what is stored."""
    scale = 1 / numpy.sqrt(q.shape[1])
    scores = keep(keep(q @ k.T) * scale)
    if causal:
        positions = numpy.arange(len(q)) + len(k) - len(q)
        scores[numpy.arange(len(k))[None, :] > positions[:, None]] = -numpy.inf
    weights = numpy.exp(scores - scores.max(axis=1, initial=-1e30)[:, None])
    total = weights.sum(axis=1)
    p = keep(weights / numpy.where(total > 0, total, 1)[:, None])
    o = keep(p @ v)
    dp = keep(g @ v.T)
    ds = keep(p * (dp - keep((g * o).sum(axis=1))[:, None]))
    return keep(keep(ds @ k) * scale), keep(keep(ds.T @ q) * scale), keep(p.T @ g)


def plainly(x):
    """Rounds what the plain implementation keeps."""
    return bf16(x).astype(numpy.float64)


def check(found, exact, plain):
    """Compares dQ, dK and dV with the exact ones and those in bf16."""
    for name, x, y, z in zip(("dQ", "dK", "dV"), found, exact, plain):
        x = numpy.asarray(x, numpy.float64)
        assert x.shape == y.shape, f"{name} is {x.shape}, not {y.shape}"
        assert numpy.isfinite(x).all(), f"{name} has {(~numpy.isfinite(x)).sum()} elements that are not finite"
        if not x.size:
            print(f"{name}: empty")
            continue
        unit = abs(bf16(bf16(y + 0.3) - 0.3) - y).max()
        error, allowed = abs(x - y).max(), 2 * abs(z - y).max() + 2 * unit
        assert error <= allowed, f"{name}{numpy.argwhere(abs(x - y) == error)[0]} is off by {error}, more than {allowed}"
        print(f"{name}: ok, {error:.2g} of {allowed:.2g}")
