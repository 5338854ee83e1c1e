"""Compares the recurrences of recurrence.py with their form by chunks.

The form by chunks is the other way to say the same: with L = strict(diag(beta)
k k^T) and the decays between tokens, a chunk solves a triangular system.
"""

import itertools

import numpy
from recurrence import check, draw_gates, draw_keys, draw_strengths, recur, recur_packed


def recur_by_chunks(q, k, v, g, beta, initial, chunk):
    """One value head that reads its own key head."""
    width = k.shape[1]
    out, state = numpy.zeros(v.shape), initial.astype(numpy.float64)
    for first in range(0, len(k), chunk):
        tokens = slice(first, first + chunk)
        queries, keys, values = (x[tokens].astype(numpy.float64) for x in (q, k, v))
        total = numpy.cumsum(g[tokens].astype(numpy.float64))
        # Decays from a later to an earlier token would overflow.
        between = numpy.exp(numpy.minimum(total[:, None] - total[None, :], 0))
        if beta is not None:
            strength = beta[tokens].astype(numpy.float64)[:, None]
            lower = numpy.tril(strength * (keys @ keys.T) * between, -1)
            values = strength * (values - numpy.exp(total)[:, None] * (keys @ state))
            values = numpy.linalg.solve(numpy.eye(len(keys)) + lower, values)
        weights = numpy.tril(queries @ keys.T * between)
        inherited = numpy.exp(total)[:, None] * (queries @ state)
        out[tokens] = width**-0.5 * (inherited + weights @ values)
        rest = numpy.exp(total[-1] - total)[:, None]
        state = numpy.exp(total[-1]) * state + (rest * keys).T @ values
    return out, state


generator = numpy.random.default_rng(5)
kinds = itertools.product(
    ("usual", "open", "closed", "weak", "mixed"),
    (None, "usual", "strong", "full"),
    ("usual", "parallel"),
    (0, 1, 63, 65),
)
for gates, strengths, keys, tokens in kinds:
    batch, key_heads, heads, width, columns = 2, 2, 4, 16, 8
    q = generator.standard_normal((batch, tokens, key_heads, width))
    k = draw_keys(generator, keys, batch, tokens, key_heads, width)
    v = generator.standard_normal((batch, tokens, heads, columns))
    g = draw_gates(generator, gates, batch, tokens, heads)
    beta = strengths and draw_strengths(generator, strengths, batch, tokens, heads)
    initial = generator.standard_normal((batch, heads, width, columns))
    found = recur(q, k, v, g, beta, initial)
    for b, h in numpy.ndindex(batch, heads):
        own = k[b, :, h // 2], v[b, :, h], g[b, :, h]
        strength = None if beta is None else beta[b, :, h]
        expected = recur_by_chunks(q[b, :, h // 2], *own, strength, initial[b, h], 16)
        what = f"{gates} gates, {strengths} strengths, {keys} keys, {tokens} tokens"
        check(f"{what}: o", found[0][b, :, h], expected[0], 1e-9)
        check(f"{what}: final", found[1][b, h], expected[1], 1e-9)

    # Sequences in one batch are those by themselves.
    starts = [0, 0, tokens // 3, tokens]
    states = generator.standard_normal((3, heads, width, columns))
    first = [x if x is None else x[:1] for x in (q, k, v, g, beta)]
    packed = recur_packed(*first[:3], starts, *first[3:], states)
    for n, (begin, end) in enumerate(zip(starts, starts[1:])):
        part = [x if x is None else x[:, begin:end] for x in first]
        alone = recur(*part, states[n : n + 1])
        check(f"{what}, sequence {n}: o", packed[0][:, begin:end], alone[0], 0)
        check(f"{what}, sequence {n}: final", packed[1][n : n + 1], alone[1], 0)
