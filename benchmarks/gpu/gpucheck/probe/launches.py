"""What a launch costs, and how fast the clocks run."""

from .kernel import Probe, Scale, module, stop

# The runner knows these two by their measure.
LAUNCHES = Scale(200, 3)


def launch():
    """An empty kernel, many times in a row: the runner divides."""
    text = module("probe", "", threads=32)
    return Probe("launch", {"grid": 1}, text, "probe", "us", measure="launches",
                 rounds=LAUNCHES, threads=32)


def clock():
    """Cycles over nanoseconds of a wait that is long against both ticks."""
    main = """
  mov.u64 %d0, %globaltimer;
  mov.u64 %begin, %clock64;
spin:
  mov.u64 %finish, %clock64;
  sub.u64 %d1, %finish, %begin;
  mul.wide.u32 %d2, %count, 1000;
  setp.lt.u64 %p0, %d1, %d2;
  @%p0 bra spin;
  mov.u64 %d3, %globaltimer;
"""
    end = stop()
    # The nanoseconds go where other probes write what they computed.
    end += "  sub.u64 %d3, %d3, %d0;\n  @%writes st.global.u64 [%offset + 16], %d3;\n"
    return Probe("SM clock", {}, module("probe", main + end, threads=32), "probe", "MHz",
                 measure="clock", rounds=Scale(10000, 1), threads=32)


def probes():
    yield launch()
    yield clock()
