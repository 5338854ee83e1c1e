"""Latency and rate of atomic additions in shared and global memory."""

from .kernel import BEGIN, Buffer, Probe, Scale, SM, loop, module, repeat, stop

STEPS = 8
BYTES = 1 << 20


def latency(space):
    """Each addend is what the addition before returned."""
    setup = "  mov.u32 %a0, %lane;\n  mov.u32 %a2, %count;\n"
    if space == "shared":
        setup += "  mov.u32 %a1, words;\n  st.shared.b32 [%a1], %lane;\n"
    else:
        setup += "  ld.param.u64 %d0, [p_buffer];\n  st.global.b32 [%d0], %lane;\n"
    address = "[%a1]" if space == "shared" else "[%d0]"
    body = "  setp.eq.u32 %p0, %lane, 0;\n" + repeat(
        STEPS, lambda i: f"@%p0 atom.{space}.add.u32 %a0, {address}, %a0;")
    return Probe("atomic latency", {"memory": space},
                 module("probe", BEGIN + loop(body) + stop(["%a0"]), threads=32, setup=setup,
                        parameters=", .param .u64 p_buffer",
                        globals=".shared .align 16 .b8 words[4096];"),
                 "probe", "cycles", work=STEPS, threads=32, arguments=[Buffer(Scale(BYTES, BYTES))])


def rate(space, operation, where, threads=512):
    """`where`: all lanes of all blocks at one address, or each at its own."""
    returns = operation == "atom"
    step = 4 if where == "own address" else 0
    setup = f"  mul.lo.u32 %a1, %thread, {step};\n"
    if space == "shared":
        setup += "  mov.u32 %a2, words;\n  add.u32 %a2, %a2, %a1;\n  mov.b32 %a3, 0;\n" \
                 "  st.shared.b32 [%a2], %a3;\n"
        address = "[%a2]"
    else:
        # Blocks have lines of their own, too.
        setup += "  ld.param.u64 %d0, [p_buffer];\n" + (
            f"  mad.lo.u32 %a1, %cta, {threads * 4}, %a1;\n" if step else "") + \
            "  cvt.u64.u32 %d1, %a1;\n  add.u64 %d0, %d0, %d1;\n"
        address = "[%d0]"
    setup += "".join(f"  mov.b32 %a{10 + i}, 0;\n" for i in range(STEPS))
    body = repeat(STEPS, lambda i: f"atom.{space}.add.u32 %a{10 + i}, {address}, %count;" if returns
                  else f"red.{space}.add.u32 {address}, %count;")
    shared = space == "shared"
    return Probe("atomic rate", {"memory": space, "operation": operation, "address": where},
                 module("probe", BEGIN + loop(body) +
                        stop([f"%a{10 + i}" for i in range(STEPS)], slots=threads // 32),
                        threads=threads, setup=setup, parameters=", .param .u64 p_buffer",
                        globals=".shared .align 16 .b8 words[4096];"),
                 "probe", "operations/cycle/SM" if shared else "G operations/s",
                 work=STEPS * threads, measure="operations per cycle" if shared else "per second",
                 rounds=Scale(64, 2), grid=1 if shared else (SM, 1), threads=threads,
                 slots=threads // 32, arguments=[Buffer(Scale(BYTES, BYTES))])


def probes():
    for space in ("shared", "global"):
        yield latency(space)
        for where in ("one address", "own address"):
            for operation in ("atom", "red"):
                yield rate(space, operation, where)
