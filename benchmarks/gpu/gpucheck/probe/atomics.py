"""Latency and rate of atomic additions in shared and global memory."""

from .kernel import BEGIN, Buffer, Number, Probe, Scale, SM, loop, module, repeat, stop

STEPS = 8
BYTES = 1 << 20


# An assembler that knew that all lanes of a warp have one address would add
# their numbers up before: so the distance of two lanes is an argument.
PARAMETERS = ", .param .u64 p_buffer, .param .u32 p_step"
WORDS = ".shared .align 16 .b8 words[4096];"


def place(space, threads):
    """The register with the address of this thread's word, and how to get there."""
    setup = "  ld.param.u32 %a9, [p_step];\n"
    if space == "shared":
        return "[%a2]", setup + """
  mul.lo.u32 %a1, %thread, %a9;
  mov.u32 %a2, words;
  add.u32 %a2, %a2, %a1;
  mov.b32 %a3, 0;
  st.shared.b32 [%a2], %a3;
"""
    return "[%d0]", setup + f"""
  mad.lo.u32 %a1, %cta, {threads}, %thread;
  mul.lo.u32 %a1, %a1, %a9;
  ld.param.u64 %d0, [p_buffer];
  cvt.u64.u32 %d1, %a1;
  add.u64 %d0, %d0, %d1;
"""


def arguments(step):
    return [Buffer(Scale(BYTES, BYTES)), Number(Scale(step, step))]


def latency(space):
    """One lane; each addend is what the addition before returned."""
    address, setup = place(space, 32)
    setup += "  mov.u32 %a0, %lane;\n  setp.eq.u32 %p0, %lane, 0;\n"
    body = repeat(STEPS, lambda i: f"atom.{space}.add.u32 %a0, {address}, %a0;")
    main = BEGIN + "  @!%p0 bra over;\n" + loop(body) + stop(["%a0"]) + "over:\n"
    return Probe("atomic latency", {"memory": space},
                 module("probe", main, threads=32, setup=setup, parameters=PARAMETERS, globals=WORDS),
                 "probe", "cycles", work=STEPS, threads=32, arguments=arguments(4))


def rate(space, operation, where, threads=512):
    """`where`: all lanes of all blocks at one address, or each at its own."""
    address, setup = place(space, threads)
    returns = operation == "atom"
    setup += "".join(f"  mov.b32 %a{10 + i}, 0;\n" for i in range(STEPS))
    body = repeat(STEPS, lambda i: f"atom.{space}.add.u32 %a{10 + i}, {address}, %count;" if returns
                  else f"red.{space}.add.u32 {address}, %count;")
    shared = space == "shared"
    return Probe("atomic rate", {"memory": space, "operation": operation, "address": where},
                 module("probe", BEGIN + loop(body) +
                        stop([f"%a{10 + i}" for i in range(STEPS)], slots=threads // 32),
                        threads=threads, setup=setup, parameters=PARAMETERS, globals=WORDS),
                 "probe", "operations/cycle/SM" if shared else "G operations/s",
                 work=STEPS * threads, measure="operations per cycle" if shared else "per second",
                 rounds=Scale(64, 2), grid=1 if shared else (SM, 1), threads=threads,
                 slots=threads // 32, arguments=arguments(4 if where == "own address" else 0))


def probes():
    for space in ("shared", "global"):
        yield latency(space)
        for where in ("one address", "own address"):
            for operation in ("atom", "red"):
                yield rate(space, operation, where)
