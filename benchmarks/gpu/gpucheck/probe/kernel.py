"""How a probe is written: PTX text around a loop between two clock reads."""

import dataclasses
import typing

SM = "multiprocessors"


@dataclasses.dataclass
class Scale:
    """A number that is smaller where a simulator runs the probe."""

    hardware: int
    simulated: int

    def get(self, simulated):
        return self.simulated if simulated else self.hardware


@dataclasses.dataclass
class Probe:
    """One measurement. `work` is what one round of the loop does in one slot;
    `measure` says what becomes of it: "cycles per operation", "operations per
    cycle" (of one block), "per second" (of all blocks, by the GPU's own
    events) or "cycles" (of the whole loop, over the rounds)."""

    name: str
    parameters: dict
    ptx: str
    entry: str
    unit: str
    work: object = 1  # a number or a Scale
    measure: str = "cycles per operation"
    rounds: Scale = dataclasses.field(default_factory=lambda: Scale(256, 2))
    # Blocks, or SM for one per multiprocessor.
    grid: object = 1
    threads: int = 128
    cluster: int = 1
    shared_bytes: int = 0
    # Warps or threads that write their clocks, per block.
    slots: int = 1
    # After the output's address and the number of rounds; see Buffer, TensorMap
    # and plain numbers (32 bits).
    arguments: typing.List[object] = dataclasses.field(default_factory=list)
    # An entry of the same module that runs once before, with the same
    # arguments: (entry, blocks, threads).
    setup: typing.Optional[tuple] = None
    # Whether the L2 is flushed before each launch.
    flush: bool = False
    # Launches whose times count.
    samples: Scale = dataclasses.field(default_factory=lambda: Scale(9, 2))

    @property
    def key(self):
        """A name that is a file name and tells the parameters."""
        parts = [self.name] + [f"{k}{v}" for k, v in self.parameters.items()]
        return "-".join(str(part).replace(" ", "_") for part in parts)


@dataclasses.dataclass
class Buffer:
    """Global memory, whose address is the argument."""

    bytes: Scale


@dataclasses.dataclass
class TensorMap:
    """A tensor map, 128 bytes of the kernel's parameters, over a buffer of its
    own: `dims` and `box` in elements, the contiguous dimension first."""

    type: str
    dims: tuple
    box: tuple
    swizzle: int


@dataclasses.dataclass
class Number:
    """A 32-bit argument."""

    value: Scale


BEGIN = """
  bar.sync 0;
  mov.u64 %begin, %clock64;
"""


def lanes(pattern, count, first=0):
    """`{%f0, %f1, ...}`"""
    return "{" + ", ".join(pattern.format(first + i) for i in range(count)) + "}"


def repeat(count, line):
    """`count` copies of `line`, a function of the copy's number."""
    return "\n".join("  " + line(i) for i in range(count))


def loop(body, label="measure", counter="%count"):
    """Runs `body` as often as a register says, which is 0 afterwards."""
    return f"""
{label}:
{body}
  sub.u32 {counter}, {counter}, 1;
  setp.ne.u32 %more, {counter}, 0;
  @%more bra {label};
"""


def stop(sinks=(), slot="%warp", who="%lane", slots=1):
    """Reads the clock again and has the thread whose register `who` is 0 write
    both clocks, and a 1 to say so. All threads write what was computed, past the clocks, so that
    no assembler can leave it out."""
    mix = "\n".join(f"  xor.b32 %sink, %sink, {register};" for register in sinks)
    return f"""
  mov.u64 %finish, %clock64;
  mov.b32 %sink, 0;
{mix}
  mad.lo.u32 %place, %cta, {slots}, {slot};
  mul.wide.u32 %offset, %place, 32;
  add.u64 %offset, %out, %offset;
  setp.eq.u32 %writes, {who}, 0;
  @%writes st.global.u64 [%offset], %begin;
  @%writes st.global.u64 [%offset + 8], %finish;
  @%writes st.global.u64 [%offset + 24], 1;
  st.global.u32 [%offset + 16], %sink;
"""


def module(entry, main, *, threads, setup="", parameters="", globals="", more=""):
    """A module with one kernel: `setup` and `main` are instructions. Registers:
    %thread, %lane, %warp, %cta, %out, %count and the numbered %a (b32), %d
    (b64), %f (f32), %h (b16), %g (f64), %p (predicates)."""
    return f""".version 8.0
.target sm_90a
.address_size 64
{globals}
{more}
.visible .entry {entry}(.param .u64 p_out, .param .u32 p_count{parameters})
.reqntid {threads}, 1, 1
{{
  .reg .pred %p<16>, %more, %writes, %done;
  .reg .b16 %h<16>;
  .reg .b32 %a<160>, %thread, %lane, %warp, %cta, %count, %place, %sink;
  .reg .b64 %d<32>, %out, %begin, %finish, %offset;
  .reg .f32 %f<160>;
  .reg .f64 %g<16>;
  ld.param.u64 %out, [p_out];
  ld.param.u32 %count, [p_count];
  mov.u32 %thread, %tid.x;
  mov.u32 %cta, %ctaid.x;
  and.b32 %lane, %thread, 31;
  shr.u32 %warp, %thread, 5;
{setup}
{main}
  ret;
}}
"""
