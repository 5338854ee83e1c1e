"""Linear recurrences, token by token, and how far others may be off.

Arrays are as flash-linear-attention has them: q and k [B, T, HK, K], v and o
[B, T, HV, V], the logarithms of decays g and the strengths beta [B, T, HV], and
states [B, HV, K, V]. Value head h reads key head h // (HV / HK). Where every
channel of keys decays by itself, g is [B, T, HV, K].
"""

import numpy
from attention import bf16, make_parser, starts

# Errors over the size of what is expected, both as roots of mean squares. These
# are the bounds of flash-linear-attention's tests of bf16.
TOLERANCES = {
    "gated_linear_attention": {"o": 5e-3, "final": 5e-3},
    "kimi_delta_attention": {"o": 5e-3, "final": 5e-3},
    "preconditioned_delta_rule": {"o": 5e-3, "final": 5e-3},
    "linear_attention": {"o": 5e-3, "final": 5e-3},
    "gated_delta_rule": {"o": 5e-3, "final": 5e-3},
}
# What scales keys is computed in f32, and so are the sums that it comes from.
PRECONDITIONER_TOLERANCES = {
    **dict.fromkeys(("scales", "sums"), 1e-6),
    **dict.fromkeys(("dG_ATK", "dBETA_ATK", "dCENTER", "dA0"), 1e-5),
    "dK": 4e-3,  # in bf16
}
GRADIENT_TOLERANCES = {
    **dict.fromkeys(("dQ", "dK", "dV", "dM", "dH0"), 8e-3),
    **dict.fromkeys(("dG", "dBETA"), 1.5e-2),
}


def make_recurrence_parser(description):
    """Arguments of programs whose states are matrices."""
    parser = make_parser(description)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--tokens", type=int, nargs="+", default=[1])
    parser.add_argument("--heads", type=int, nargs=2, default=(1, 2), help="of keys, of values")
    parser.add_argument("--sizes", type=int, nargs=2, default=(128, 128), help="elements of keys, of values")
    parser.add_argument("--gates", default="usual")
    parser.add_argument("--strengths", default="usual")
    parser.add_argument("--keys", default="usual")
    return parser


def lay_out(run, arguments, heads=("HK", "HV")):
    """Gives a run its sizes, and where sequences start if the program packs them.

    `heads` are the sizes that it has of heads of keys and of values.

    Returns the dimensions before that of tokens, how many states there are, how
    many tokens, and the starts, or None.
    """
    run.size(**dict(zip(heads, arguments.heads)))
    if "varlen" in arguments.program:
        edges, total = starts(arguments.tokens), sum(arguments.tokens)
        run.size(N=len(edges) - 1, STARTS=len(edges), T=total)
        run.input("starts", edges)
        return (), len(edges) - 1, total, edges
    batch, total = arguments.batch, arguments.tokens[0]
    run.size(B=batch)
    if "decode" not in arguments.program:
        run.size(T=total)
    return (batch,), batch, total, None


def recur(q, k, v, g=None, beta=None, initial=None, scale=None, m=None):
    """The outputs and the final states, in f64.

    The state decays, then, with `beta`, what it has for the key moves to the
    value by that share; without, the product of key and value is added. With
    `m`, [B, T, HK, K], what is added is for the key times `m`.
    """
    q, k, v = (numpy.asarray(x, numpy.float64) for x in (q, k, v))
    batch, tokens, key_heads, width = k.shape
    heads, values = v.shape[2:]
    scale = width**-0.5 if scale is None else scale
    state = numpy.zeros((batch, heads, width, values))
    if initial is not None:
        state += initial
    decay = None if g is None else numpy.exp(numpy.asarray(g, numpy.float64))
    if decay is not None and decay.ndim == 3:
        decay = decay[..., None]
    write = k if m is None else k * numpy.asarray(m, numpy.float64)
    key_of = numpy.arange(heads) // max(heads // max(key_heads, 1), 1)
    out = numpy.zeros(v.shape)
    for t in range(tokens):
        query, key, value = q[:, t, key_of], k[:, t, key_of], v[:, t]
        if decay is not None:
            state *= decay[:, t, :, :, None]
        if beta is not None:
            known = (key[:, :, None, :] @ state)[:, :, 0]
            value = numpy.asarray(beta, numpy.float64)[:, t, :, None] * (value - known)
        state += write[:, t, key_of][..., None] * value[:, :, None, :]
        out[:, t] = scale * (query[:, :, None, :] @ state)[:, :, 0]
    return out, state


def recur_packed(q, k, v, starts, g=None, beta=None, initial=None, scale=None, m=None):
    """The same for sequences in one batch; `starts` has one more entry."""
    out, final = numpy.zeros(v.shape), []
    for n, (first, last) in enumerate(zip(starts, starts[1:])):
        tokens = (slice(None), slice(first, last))
        gates = (x if x is None else x[tokens] for x in (g, beta))
        left = None if m is None else m[tokens]
        state = None if initial is None else initial[n : n + 1]
        out[tokens], state = recur(q[tokens], k[tokens], v[tokens], *gates, state, scale, left)
        final.append(state)
    return out, numpy.concatenate(final)


def precondition(k, g, beta, center, initial):
    """What scales keys in the preconditioned delta rule, [B, T, HK, K], and the
    last sums of squares, [B, HK, K], in f64: large sums make small scales.

    The gates and strengths of sums are [B, T, HK], the first sums [B, HK, K].
    """
    arrays = k, g, beta, center, initial
    k, g, beta, center, sums = (numpy.asarray(x, numpy.float64) for x in arrays)
    scales = numpy.zeros(k.shape)
    for t in range(k.shape[1]):
        sums = numpy.exp(g[:, t, :, None]) * sums + beta[:, t, :, None] * k[:, t] ** 2
        size = numpy.log(sums + 1e-6) - center[:, None]
        scales[:, t] = 1.5 ** (-size / (1 + abs(size)))
    return scales, sums


def differentiate_preconditioner(k, g, beta, center, initial, dscales, dsums):
    """The gradients of `precondition`, in f64, by the names of buffers, from those
    of the scales and of the last sums. That of centers is by sequence and channel.
    """
    arrays = k, g, beta, center, initial, dscales, dsums
    k, g, beta, center, initial, dscales, reaches = (numpy.asarray(x, numpy.float64) for x in arrays)
    decay = numpy.exp(g)[..., None]
    sums = [initial]
    for t in range(k.shape[1]):
        sums.append(decay[:, t] * sums[-1] + beta[:, t, :, None] * k[:, t] ** 2)
    dk, dg, dbeta = (numpy.zeros(x.shape) for x in (k, g, beta))
    dcenter = numpy.zeros(initial.shape)
    for t in reversed(range(k.shape[1])):
        size = numpy.log(sums[t + 1] + 1e-6) - center[:, None]
        scale = 1.5 ** (-size / (1 + abs(size)))
        dsize = -numpy.log(1.5) * scale / (1 + abs(size)) ** 2 * dscales[:, t]
        dcenter -= dsize
        reaches = reaches + dsize / (sums[t + 1] + 1e-6)
        dk[:, t] = 2 * beta[:, t, :, None] * k[:, t] * reaches
        dbeta[:, t] = (k[:, t] ** 2 * reaches).sum(-1)
        dg[:, t] = (decay[:, t] * sums[t] * reaches).sum(-1)
        reaches = decay[:, t] * reaches
    return {"dK": dk, "dG_ATK": dg, "dBETA_ATK": dbeta, "dCENTER": dcenter, "dA0": reaches}


def differentiate(q, k, v, g, initial, dout, dfinal, beta=None, m=None, scale=None, least=-10):
    """The gradients of `recur`, in f64: of q, k, v, g and the initial states,
    and of `beta` and `m` if they are given, from those of the outputs and final
    states.

    All states are kept, and what reaches one goes back token by token. Gates of
    single channels below `least` are raised to that, and have no gradient.
    """
    arrays = (q, k, v, g, initial, dout, dfinal)
    q, k, v, g, initial, dout, dfinal = (numpy.asarray(x, numpy.float64) for x in arrays)
    batch, tokens, key_heads, width = k.shape
    heads, values = v.shape[2:]
    scale = width**-0.5 if scale is None else scale
    channels = g.ndim == 4
    decay = numpy.exp(numpy.maximum(g, least)) if channels else numpy.exp(g)[..., None]
    dq, dk, dv, dg = (numpy.zeros(x.shape) for x in (q, k, v, g))
    strengths = None if beta is None else numpy.asarray(beta, numpy.float64)
    dbeta = numpy.zeros(g.shape[:3])
    scales = numpy.ones(k.shape) if m is None else numpy.asarray(m, numpy.float64)
    write, dwrite = k * scales, numpy.zeros(k.shape)
    dinitial = numpy.array(dfinal)
    for b, h in numpy.ndindex(batch, heads):
        own = h // max(heads // key_heads, 1)
        # What is left of each state as its token comes, and what that adds.
        kept = numpy.empty((tokens, width, values))
        added = numpy.empty((tokens, values))
        state = initial[b, h]
        for t in range(tokens):
            kept[t] = decay[b, t, h][:, None] * state
            added[t] = v[b, t, h]
            if beta is not None:
                added[t] -= k[b, t, own] @ kept[t]
                added[t] *= strengths[b, t, h]
            state = kept[t] + numpy.outer(write[b, t, own], added[t])
        dstate = dinitial[b, h]
        for t in reversed(range(tokens)):
            key, query, above = k[b, t, own], q[b, t, own], scale * dout[b, t, h]
            dq[b, t, own] += (kept[t] + numpy.outer(write[b, t, own], added[t])) @ above
            dstate += numpy.outer(query, above)
            dadded = write[b, t, own] @ dstate
            dwrite[b, t, own] += dstate @ added[t]
            if beta is not None:
                unscaled = v[b, t, h] - key @ kept[t]
                dbeta[b, t, h] = dadded @ unscaled
                dadded = strengths[b, t, h] * dadded
                dk[b, t, own] -= kept[t] @ dadded
                dstate -= numpy.outer(key, dadded)
            dv[b, t, h] = dadded
            dg[b, t, h] = (dstate * kept[t]).sum(axis=1 if channels else None)
            dstate *= decay[b, t, h][:, None]
    if channels:
        dg[g < least] = 0
    gradients = [dq, dk + scales * dwrite, dv, dg, dinitial]
    if beta is not None:
        gradients.append(dbeta)
    if m is not None:
        gradients.append(k * dwrite)
    return gradients


def differentiate_packed(starts, q, k, v, g, initial, dout, dfinal, beta=None, m=None):
    """The same for sequences in one batch; `starts` has one more entry."""
    found = []
    for n, (first, last) in enumerate(zip(starts, starts[1:])):
        tokens = [x if x is None else x[None, first:last] for x in (q, k, v, g, dout, beta, m)]
        states = initial[n : n + 1], dfinal[n : n + 1]
        found.append(differentiate(*tokens[:4], states[0], tokens[4], states[1], *tokens[5:]))
    # Of each sequence one state, of everything else as many as it has tokens.
    return [
        numpy.concatenate(x) if i == 4 else numpy.concatenate(x, axis=1)[0]
        for i, x in enumerate(zip(*found))
    ]


def sigmoid(x):
    return numpy.exp(-numpy.logaddexp(0, -x))


def draw_gates(generator, kind, *shape):
    """Logarithms of decays, in f32.

    `usual` are those of flash-linear-attention's benchmarks. `open` ones keep
    everything, `closed` ones nothing that f32 could tell from zero, `weak` ones
    add up over thousands of tokens, and `mixed` ones are any of these. `least`
    ones are -5, where the safe gates of Kimi delta attention end, and `raised`
    ones between -8 and -12, of which it raises half.
    """
    kinds = {
        "usual": -numpy.logaddexp(0, -generator.standard_normal(shape)),
        "open": numpy.zeros(shape),
        "closed": -generator.uniform(100, 200, shape),
        "weak": -generator.uniform(0, 1e-3, shape),
    }
    # What is drawn must not depend on the kind.
    choice = generator.integers(len(kinds), size=shape)
    kinds["mixed"] = numpy.choose(choice, list(kinds.values()))
    kinds["least"] = numpy.full(shape, -5.0)
    kinds["raised"] = 4000 * kinds["weak"] - 8
    return kinds[kind].astype(numpy.float32)


def draw_strengths(generator, kind, *shape):
    """Strengths in f32: `usual`, `strong` ones of up to 2, `full` ones of 1, or
    `some`, half of which are 0."""
    usual = sigmoid(generator.standard_normal(shape))
    kinds = {"usual": usual, "strong": 2 * usual, "full": numpy.ones(shape)}
    kinds["some"] = numpy.where(usual < 0.5, 0, usual)
    return kinds[kind].astype(numpy.float32)


def draw_keys(generator, kind, *shape):
    """Keys of length 1, but for rounding, that bf16 can hold.

    `parallel` ones all point nearly the same way, which makes the matrices that
    delta rules invert as large as they can be.
    """
    keys = generator.standard_normal(shape)
    if kind == "parallel":
        keys = generator.standard_normal(shape[-1:]) + 0.05 * keys
    return bf16(keys / numpy.linalg.norm(keys, axis=-1, keepdims=True))


def draw_preconditioner(generator, gates, strengths, tokens, states, heads, width):
    """What `precondition` takes, by the names of buffers; `tokens` are dimensions."""
    first = generator.uniform(0, 1, (states, heads, width)) ** 4
    first[..., ::7] = 0
    return {
        "G_ATK": draw_gates(generator, gates, *tokens, heads),
        "BETA_ATK": draw_strengths(generator, strengths, *tokens, heads),
        "CENTER": generator.uniform(-1, 1, heads).astype(numpy.float32),
        "A0": first.astype(numpy.float32),
    }


def feed_preconditioner(run, arguments):
    """Draws keys and what else `precondition` takes, and lets `run` read them.

    Returns what `lay_out` does, the keys, and the others by the names of buffers.
    """
    layout = batch, states, total, _ = lay_out(run, arguments, ("HK",))
    sizes = (*batch, total), states, arguments.heads[0], arguments.sizes[0]
    keys = draw_keys(run.generator, arguments.keys, *sizes[0], *sizes[2:])
    others = draw_preconditioner(run.generator, arguments.gates, arguments.strengths, *sizes)
    for buffer, array in {"K": keys, **others}.items():
        run.input(buffer, array, numpy.float32)
    return layout, keys, others


def get_ratio(found, expected):
    """The error over the size of what is expected; 0 if that is tiny."""
    found = numpy.asarray(found, numpy.float64)
    difference = found - expected
    if not difference.size or abs(difference).max() <= 1e-6:
        return 0.0
    return numpy.sqrt((difference**2).mean()) / (
        numpy.sqrt((numpy.asarray(expected) ** 2).mean()) + 1e-8
    )


def check(what, found, expected, tolerance):
    """Compares one array with what is expected."""
    assert found.shape == expected.shape, f"{what} is {found.shape}, not {expected.shape}"
    wrong = numpy.argwhere(~numpy.isfinite(found))
    assert not len(wrong), f"{what}{wrong[0]} is not finite, nor are {len(wrong) - 1} others"
    ratio = get_ratio(found, expected)
    assert ratio <= tolerance, f"{what} is off by {ratio:.2g} of its size, more than {tolerance:.2g}"
    print(f"{what}: ok, {ratio:.2g} of {tolerance:.2g}")


def get_drift(found, expected, block=64):
    """The ratio of each block of tokens: how errors grow over a sequence."""
    tokens = range(0, expected.shape[1], block)
    return [get_ratio(found[:, t : t + block], expected[:, t : t + block]) for t in tokens]
