"""Rates and latencies of the function units: MUFU, FMA, ALU, conversions."""

from .kernel import BEGIN, Probe, Scale, loop, module, repeat, stop

# Chains that do not depend on one another, enough to fill a pipeline; and so
# many steps that the loop's own three instructions hardly count, which are
# issued in place of what is measured.
CHAINS = 8
STEPS = 16

# What one step of chain {i} is, over its own %a{i} or %f{i} and the run-time
# values %a100, %a101 (integers), %f100 and %f101; and how many operations that
# is per lane. Additions alternate with what keeps an assembler from folding
# them.
INSTRUCTIONS = {
    "ex2.f32": ("ex2.approx.ftz.f32 %f{i}, %f{i};", 1),
    "lg2.f32": ("lg2.approx.ftz.f32 %f{i}, %f{i};", 1),
    # Two reciprocals in a row would be folded.
    "rcp.f32 and add": ("rcp.approx.ftz.f32 %f{i}, %f{i}; add.rn.f32 %f{i}, %f{i}, %f100;", 2),
    "rsqrt.f32": ("rsqrt.approx.ftz.f32 %f{i}, %f{i};", 1),
    "sqrt.f32": ("sqrt.approx.ftz.f32 %f{i}, %f{i};", 1),
    "sin.f32": ("sin.approx.ftz.f32 %f{i}, %f{i};", 1),
    "tanh.f32": ("tanh.approx.f32 %f{i}, %f{i};", 1),
    "ex2.f16x2": ("ex2.approx.f16x2 %a{i}, %a{i};", 2),
    "ex2.bf16x2": ("ex2.approx.ftz.bf16x2 %a{i}, %a{i};", 2),
    "fma.f32": ("fma.rn.f32 %f{i}, %f{i}, %f100, %f101;", 1),
    "add.f32": ("add.rn.f32 %f{i}, %f{i}, %f100;", 1),
    "mul.f32": ("mul.rn.f32 %f{i}, %f{i}, %f100;", 1),
    "max.f32": ("max.f32 %f{i}, %f{i}, %f100;", 1),
    "fma.f16x2": ("fma.rn.f16x2 %a{i}, %a{i}, %a100, %a101;", 2),
    "fma.bf16x2": ("fma.rn.bf16x2 %a{i}, %a{i}, %a100, %a101;", 2),
    "mad.s32": ("mad.lo.s32 %a{i}, %a{i}, %a100, %a101;", 1),
    "lop3": ("lop3.b32 %a{i}, %a{i}, %a100, %a101, 0x6A;", 1),
    "add.s32 and lop3": ("add.s32 %a{i}, %a{i}, %a100; xor.b32 %a{i}, %a{i}, %a101;", 2),
    "shf": ("shf.l.wrap.b32 %a{i}, %a{i}, %a100, %a101;", 1),
    "prmt": ("prmt.b32 %a{i}, %a{i}, %a100, %a101;", 1),
    "popc": ("popc.b32 %a{i}, %a{i};", 1),
    "cvt.bf16x2": ("cvt.rn.bf16x2.f32 %a{i}, %f{i}, %f100; mov.b32 %f{i}, %a{i};", 1),
    "cvt.e4m3x2": ("cvt.rn.satfinite.e4m3x2.f32 %h{i}, %f{i}, %f100; cvt.u32.u16 %a{i}, %h{i}; "
                   "mov.b32 %f{i}, %a{i};", 1),
    "shfl": ("shfl.sync.bfly.b32 %a{i}, %a{i}, 1, 31, -1;", 1),
    "redux": ("redux.sync.add.s32 %a{i}, %a{i}, -1;", 1),
    "fma.f64": ("fma.rn.f64 %g{i}, %g{i}, %g8, %g8;", 1),
}


def start():
    lines = ["  mov.b32 %a100, %count;", "  add.s32 %a101, %count, %thread;",
             "  cvt.rn.f32.u32 %f100, %a100;", "  cvt.rn.f32.u32 %f101, %a101;",
             "  cvt.f64.f32 %g8, %f101;"]
    for i in range(CHAINS):
        lines += [f"  add.s32 %a{i}, %thread, {i + 1};", f"  cvt.rn.f32.u32 %f{i}, %a{i};",
                  f"  cvt.f64.f32 %g{i}, %f{i};"]
    return "\n".join(lines)


def make(name, line, operations, threads, chains, steps):
    body = "\n".join(repeat(chains, lambda i: line.format(i=i)) for _ in range(steps))
    sinks = [f"%a{i}" for i in range(chains)]
    # Whatever the kind, the results of all chains end in %a.
    narrow = "\n".join(
        f"  cvt.rn.f32.f64 %f{100 + i + 2}, %g{i}; add.rn.f32 %f{i}, %f{i}, %f{100 + i + 2}; "
        f"mov.b32 %a{120 + i}, %f{i};" for i in range(chains))
    sinks += [f"%a{120 + i}" for i in range(chains)]
    after = stop(sinks, slots=threads // 32)
    # The clock is read before the conversions, which `stop` does not know of.
    after = after.replace("  mov.b32 %sink, 0;", narrow + "\n  mov.b32 %sink, 0;", 1)
    warps = threads // 32
    rate = chains > 1
    return Probe(
        name="instruction rate" if rate else "instruction latency",
        parameters={"instruction": name},
        ptx=module("probe", BEGIN + loop(body) + after, threads=threads, setup=start()),
        entry="probe",
        unit="operations/cycle/SM" if rate else "cycles",
        work=chains * steps * operations * threads if rate else steps,
        measure="operations per cycle" if rate else "cycles per operation",
        rounds=Scale(128, 2), threads=threads, slots=warps)


def probes():
    for name, (line, operations) in INSTRUCTIONS.items():
        yield make(name, line, operations, threads=512, chains=CHAINS, steps=STEPS)
        if not name.startswith(("add.s32", "cvt", "max")):
            yield make(name, line, operations, threads=32, chains=1, steps=32)
