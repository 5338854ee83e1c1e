"""Rate of wgmma by width, type and where A comes from, and its latency."""

from .kernel import BEGIN, Probe, Scale, lanes, loop, module, repeat, stop

SIZES = (8, 16, 32, 64, 96, 128, 192, 256)
# name: (k, types of D, A and B, immediates after scale-d for a register A; the
# shared-memory form of 16-bit types has one more)
KINDS = {
    "bf16": (16, "f32.bf16.bf16", 2),
    "f16": (16, "f32.f16.f16", 2),
    "tf32": (8, "f32.tf32.tf32", 2),
    "e4m3": (32, "f32.e4m3.e4m3", 2),
    "s8": (32, "s32.s8.s8", 0),
}
PER_GROUP = 8
# A: 64 rows of 128 bytes for each of two warpgroups; B: 256 rows of 128 bytes.
A_BYTES = 8192
SHARED_BYTES = 2 * A_BYTES + 32768


def descriptor(register, offset):
    """K-major, 128-byte swizzle: groups of 8 rows are 1024 bytes apart."""
    return f"""
  mov.u32 %a150, tiles;
  add.u32 %a150, %a150, {offset};
  shr.u32 %a150, %a150, 4;
  cvt.u64.u32 {register}, %a150;
  or.b64 {register}, {register}, {(1 << 62) | (64 << 32) | (1 << 16)};
"""


def fill():
    """Small numbers in every type, the same in each byte."""
    return f"""
  mov.u32 %a150, tiles;
  shl.b32 %a151, %thread, 4;
  add.u32 %a150, %a150, %a151;
  mov.u32 %a151, %thread;
fill:
  mov.b32 %a152, 0x3C3C3C3C;
  st.shared.v4.b32 [%a150], {{%a152, %a152, %a152, %a152}};
  mov.u32 %a153, %ntid.x;
  add.u32 %a151, %a151, %a153;
  shl.b32 %a153, %a153, 4;
  add.u32 %a150, %a150, %a153;
  setp.lt.u32 %p0, %a151, {SHARED_BYTES // 16};
  @%p0 bra fill;
  fence.proxy.async.shared::cta;
  bar.sync 0;
"""


def make(kind, n, a, groups=1, latency=False):
    k, types, scales = KINDS[kind]
    integers = kind == "s8"
    d = lanes("%a{}" if integers else "%f{}", n // 2)
    scale = "".join(", 1" for _ in range(scales))
    transposes = "" if k != 16 else (", 0, 0" if a == "shared" else ", 0")

    def product(i):
        # Four steps along K lie in one row of 128 bytes.
        left = f"%d{i % 4}" if a == "shared" else lanes("%a{}", 4, 140)
        return (f"wgmma.mma_async.sync.aligned.m64n{n}k{k}.{types} {d}, {left}, %d{4 + i % 4}, "
                f"%p1{scale}{transposes};")

    per_group = 1 if latency else PER_GROUP
    wait = "  wgmma.wait_group.sync.aligned 0;\n"
    body = "  wgmma.fence.sync.aligned;\n" + repeat(per_group, product) + \
        "\n  wgmma.commit_group.sync.aligned;\n" + (wait if latency else "")
    setup = fill()
    setup += "\n".join(f"  mov.b32 {'%a' if integers else '%f'}{i}, 0;" for i in range(n // 2))
    setup += "\n" + "\n".join(f"  mov.b32 %a{140 + i}, 0x3C3C3C3C;" for i in range(4))
    if a == "registers":
        # A value the assembler does not know, or it would copy it each time.
        setup += "\n" + "\n".join(f"  ld.shared.b32 %a{140 + i}, [tiles + {4 * i}];" for i in range(4))
    setup += descriptor("%d0", 0) + descriptor("%d4", 2 * A_BYTES)
    # The warpgroups read different A and the same B, as in a matrix product.
    setup += f"""
  shr.u32 %a151, %thread, 7;
  mul.wide.u32 %d8, %a151, {A_BYTES // 16};
  add.u64 %d0, %d0, %d8;
"""
    for i in range(1, 4):
        setup += f"  add.u64 %d{i}, %d0, {2 * i};\n  add.u64 %d{4 + i}, %d4, {2 * i};\n"
    setup += "  setp.ne.u32 %p1, %count, 0;\n"
    main = BEGIN + loop(body) + ("" if latency else wait)
    sinks = [f"%a{i}" for i in range(n // 2)] if integers else []
    tail = stop(sinks, slots=4 * groups)
    if not integers:
        mix = "\n".join(f"  mov.b32 %a{i}, %f{i}; xor.b32 %a155, %a155, %a{i};" for i in range(n // 2))
        tail = tail.replace("  mov.b32 %sink, 0;", "  mov.b32 %a155, 0;\n" + mix + "\n  mov.b32 %sink, %a155;")
    operations = 2 * 64 * n * k
    return Probe(
        name="wgmma latency" if latency else "wgmma rate",
        parameters={"type": kind, "n": n, "a": a, "warpgroups": groups},
        ptx=module("probe", main + tail, threads=128 * groups, setup=setup,
                   globals=f".shared .align 1024 .b8 tiles[{SHARED_BYTES}];"),
        entry="probe",
        unit="cycles" if latency else "operations/cycle/SM",
        work=1 if latency else per_group * groups * operations,
        measure="cycles per operation" if latency else "operations per cycle",
        rounds=Scale(64, 2), threads=128 * groups, slots=4 * groups)


def probes():
    for kind in KINDS:
        for a in ("shared", "registers"):
            for n in SIZES:
                yield make(kind, n, a)
            yield make(kind, 8, a, latency=True)
            yield make(kind, 256, a, latency=True)
    for n in (64, 128, 256):
        for a in ("shared", "registers"):
            yield make("bf16", n, a, groups=2)
