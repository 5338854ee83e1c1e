"""Latency and bandwidth of L1, L2 and HBM, and of cp.async."""

from .kernel import BEGIN, Buffer, Number, Probe, Scale, SM, loop, module, repeat, stop

STEPS = 8
MIB = 1 << 20
BUFFER = ", .param .u64 p_buffer, .param .u32 p_bytes"

# Writes a cycle through all nodes of the buffer, `p_stride` bytes apart: node i
# points to node 5 i + 12345 mod their number, a power of two. The step is far
# and irregular, and one cycle meets all (Hull and Dobell, 1962).
LINK = """
.visible .entry link(.param .u64 p_out, .param .u32 p_count, .param .u64 p_buffer,
                     .param .u32 p_nodes, .param .u32 p_stride)
{
  .reg .pred %p<2>;
  .reg .b32 %a<10>;
  .reg .b64 %d<6>;
  ld.param.u64 %d0, [p_buffer];
  ld.param.u32 %a0, [p_nodes];
  ld.param.u32 %a1, [p_stride];
  mov.u32 %a2, %ctaid.x;
  mov.u32 %a3, %ntid.x;
  mov.u32 %a4, %tid.x;
  mad.lo.u32 %a5, %a2, %a3, %a4;
  setp.ge.u32 %p0, %a5, %a0;
  @%p0 bra over;
  mad.lo.u32 %a6, %a5, 5, 12345;
  sub.u32 %a7, %a0, 1;
  and.b32 %a6, %a6, %a7;
  mul.wide.u32 %d1, %a5, %a1;
  mul.wide.u32 %d2, %a6, %a1;
  add.u64 %d1, %d0, %d1;
  add.u64 %d2, %d0, %d2;
  st.global.u64 [%d1], %d2;
over:
  ret;
}
"""


def chase(memory, load, nodes, stride, rounds):
    body = repeat(STEPS, lambda i: f"{load}.u64 %d0, [%d0];")
    setup = "  ld.param.u64 %d0, [p_buffer];"
    # Once around to warm up what is to be warm: the nodes that will be read.
    warm = loop(repeat(STEPS, lambda i: f"{load}.u64 %d0, [%d0];"), "warm", "%a1")
    main = ("  mov.u32 %a1, %count;\n" + warm + "  ld.param.u64 %d0, [p_buffer];\n"
            if memory != "HBM" else "") + BEGIN + loop(body) + \
        "  cvt.u32.u64 %a0, %d0;\n"
    text = module("probe", main + stop(["%a0"]), threads=32, setup=setup,
                  parameters=", .param .u64 p_buffer, .param .u32 p_nodes, .param .u32 p_stride",
                  more=LINK)
    return Probe("load latency", {"memory": memory, "KiB": nodes.hardware * stride // 1024}, text,
                 "probe", "cycles", work=STEPS,
                 rounds=rounds, threads=32,
                 arguments=[Buffer(Scale(nodes.hardware * stride, nodes.simulated * stride)),
                            Number(nodes), Number(Scale(stride, stride))],
                 flush=memory == "HBM", setup=("link", Scale(nodes.hardware // 256 or 1, 1), 256))


def stream(memory, what, size, blocks_per_sm=2, threads=512):
    """All blocks stride over the buffer `count` times, 16 bytes per thread and
    step; `size` is a power of two."""
    load = "ld.global.L1::no_allocate.v4.b32"
    grid = f"""
  ld.param.u64 %d0, [p_buffer];
  ld.param.u32 %a0, [p_bytes];
  mov.u32 %a1, %nctaid.x;
  mul.lo.u32 %a1, %a1, {threads * 16};
  mov.b32 %a20, 0;
  mov.b32 %a21, %count;
"""
    body = f"""
  mul.lo.u32 %a8, %cta, {threads * 16};
  shl.b32 %a9, %thread, 4;
  add.u32 %a8, %a8, %a9;
inner:
  setp.ge.u32 %p0, %a8, %a0;
  @%p0 bra ended;
  add.u32 %a9, %a8, %a1;
  add.u32 %a10, %a9, %a1;
  add.u32 %a11, %a10, %a1;
  setp.lt.u32 %p1, %a9, %a0;
  setp.lt.u32 %p2, %a10, %a0;
  setp.lt.u32 %p3, %a11, %a0;
"""
    loads, stores = [], []
    for i in range(4):
        guard = f"@%p{i} " if i else ""
        data = "{" + ", ".join(f"%a{40 + 4 * i + j}" for j in range(4)) + "}"
        body += f"  cvt.u64.u32 %d1, %a{8 + i};\n  add.u64 %d{8 + i}, %d0, %d1;\n" \
                f"  add.u64 %d{12 + i}, %d{8 + i}, %d4;\n"
        if what != "write":
            loads.append(f"  {guard}{load} {data}, [%d{8 + i}];")
        if what == "read":
            stores += [f"  {guard}xor.b32 %a20, %a20, %a{40 + 4 * i + j};" for j in range(4)]
        else:
            value = data if what == "copy" else "{%a21, %a21, %a21, %a21}"
            stores.append(f"  {guard}st.global.v4.b32 [%d{12 + i}], {value};")
    body += "\n".join(loads + stores)
    body += """
  add.u32 %a8, %a11, %a1;
  bra inner;
ended:
"""
    # A copy reads the first half and writes the second.
    half = "  shr.u32 %a0, %a0, 1;\n  cvt.u64.u32 %d4, %a0;\n" if what == "copy" else "  mov.b64 %d4, 0;\n"
    return Probe("memory bandwidth", {"memory": memory, "access": what, "MiB": size.hardware // MIB},
                 module("probe", BEGIN + loop(body) + stop(["%a20"], slots=threads // 32),
                        threads=threads, setup=grid + half, parameters=BUFFER),
                 "probe", "GB/s", work=size, measure="per second",
                 rounds=Scale(4 if memory == "HBM" else 64, 1),
                 grid=(SM, blocks_per_sm), threads=threads, slots=threads // 32,
                 arguments=[Buffer(size), Number(size)], samples=Scale(7, 2))


def async_copy(rate):
    """cp.async of 16 bytes per lane from L2 to shared memory."""
    threads = 512 if rate else 32
    bytes = threads * 16 * 4
    setup = """
  ld.param.u64 %d0, [p_buffer];
  mov.u32 %a0, words;
  shl.b32 %a1, %thread, 4;
  add.u32 %a0, %a0, %a1;
  cvt.u64.u32 %d1, %a1;
  add.u64 %d0, %d0, %d1;
"""
    step = threads * 16
    copies = repeat(4 if rate else 1, lambda i:
                    f"cp.async.cg.shared.global [%a0 + {i * step}], [%d0 + {i * step}], 16;")
    wait = "1" if rate else "0"
    body = copies + f"\n  cp.async.commit_group;\n  cp.async.wait_group {wait};"
    return Probe("cp.async rate" if rate else "cp.async latency", {"bytes": 16},
                 module("probe", BEGIN + loop(body) + "  cp.async.wait_all;\n" +
                        stop(slots=threads // 32), threads=threads, setup=setup,
                        parameters=", .param .u64 p_buffer",
                        globals=f".shared .align 128 .b8 words[{bytes}];"),
                 "probe", "bytes/cycle/SM" if rate else "cycles",
                 work=bytes if rate else 1,
                 measure="operations per cycle" if rate else "cycles per operation",
                 threads=threads, slots=threads // 32, arguments=[Buffer(Scale(bytes, bytes))])


def probes():
    yield chase("L1", "ld.global.ca", Scale(64, 8), 128, Scale(256, 1))
    yield chase("L2", "ld.global.cg", Scale(8192, 64), 256, Scale(2048, 2))
    # Of few pages, as kernels meet it, and of so many that their addresses have
    # to be translated, too.
    yield chase("HBM", "ld.global.cg", Scale(65536, 64), 1024, Scale(1024, 2))
    yield chase("HBM", "ld.global.cg", Scale(65536, 64), 16384, Scale(1024, 2))
    for what in ("read", "write"):
        yield stream("L2", what, Scale(16 * MIB, MIB // 16))
    for what in ("read", "write", "copy"):
        yield stream("HBM", what, Scale(2048 * MIB, MIB // 8))
    yield async_copy(False)
    yield async_copy(True)
