"""TMA: latency and rate of loads and stores by box and swizzle."""

from .kernel import BEGIN, Probe, Scale, SM, TensorMap, loop, module, stop
from .synchronization import init, wait

DEPTH = 4
MAP = ", .param .align 64 .b8 p_map[128]"
# Elements per row of the box and rows, by the bytes of the swizzle; bf16.
BOXES = [(0, 8, 64), (0, 64, 64), (0, 256, 16), (32, 16, 64), (64, 32, 64),
         (128, 64, 8), (128, 64, 32), (128, 64, 64), (128, 64, 128), (128, 64, 256)]
# One box per block side by side: from L2 after the first round.
COLUMNS = 8192


def shared_bytes(width, rows):
    return DEPTH * (-(-width * rows * 2 // 1024) * 1024)


def start(width, rows, barriers):
    """%d0: the map; %a1: the first column; %a10..: the stages."""
    stage = shared_bytes(width, rows) // DEPTH
    lines = f"""
  mov.b64 %d0, p_map;
  cvta.param.u64 %d0, %d0;
  mul.lo.u32 %a1, %cta, {width};
  rem.u32 %a1, %a1, {COLUMNS};
  mov.b32 %a2, 0;
"""
    for i in range(DEPTH):
        lines += f"  mov.u32 %a{10 + i}, tiles;\n  add.u32 %a{10 + i}, %a{10 + i}, {i * stage};\n"
    return lines + (init(1, *[f"full + {8 * i}" for i in range(DEPTH)]) if barriers else "")


def load(i, bytes):
    return f"""
  mbarrier.arrive.expect_tx.shared::cta.b64 _, [full + {8 * i}], {bytes};
  cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%a{10 + i}], [%d0, {{%a1, %a2}}], [full + {8 * i}];
"""


GLOBALS = ".extern .shared .align 1024 .b8 tiles[];\n.shared .align 8 .b8 full[64];"


def tensor(width, rows, swizzle):
    return TensorMap("bf16", (COLUMNS, rows), (width, rows), swizzle)


def loads(swizzle, width, rows, rate):
    bytes = width * rows * 2
    stages = DEPTH if rate else 1
    setup = start(width, rows, True) + "".join(f"  mov.b32 %a{30 + i}, 0;\n" for i in range(DEPTH))
    # One thread does it all; the loop starts with all stages under way.
    begin = BEGIN + "  setp.ne.u32 %p1, %thread, 0;\n  @%p1 bra over;\n"
    first = "".join(load(i, bytes) for i in range(stages)) if rate else ""
    body = ""
    for i in range(stages):
        await_stage = wait(f"full + {8 * i}", f"%a{30 + i}", f"again{i}")
        body += await_stage + load(i, bytes) if rate else load(i, bytes) + await_stage
    drain = "".join(wait(f"full + {8 * i}", f"%a{30 + i}", f"drain{i}") for i in range(stages)) if rate else ""
    text = module("probe", begin + first + loop(body) + drain + stop() + "over:",
                  threads=32, setup=setup, parameters=MAP, globals=GLOBALS)
    return Probe("TMA load rate" if rate else "TMA load latency",
                 {"box": f"{width}x{rows}", "swizzle": swizzle}, text, "probe",
                 "bytes/cycle/SM" if rate else "cycles", work=bytes * stages if rate else 1,
                 measure="operations per cycle" if rate else "cycles per operation",
                 rounds=Scale(64, 2), grid=(SM, 1) if rate else 1, threads=32,
                 shared_bytes=shared_bytes(width, rows), arguments=[tensor(width, rows, swizzle)])


def stores(swizzle, width, rows, rate):
    bytes = width * rows * 2
    setup = start(width, rows, False) + f"""
  mov.u32 %a3, %lane;
clear:
  shl.b32 %a4, %a3, 4;
  mov.u32 %a5, tiles;
  add.u32 %a4, %a4, %a5;
  mov.b32 %a5, 0;
  st.shared.v4.b32 [%a4], {{%a5, %a5, %a5, %a5}};
  add.u32 %a3, %a3, 32;
  setp.lt.u32 %p2, %a3, {shared_bytes(width, rows) // 16};
  @%p2 bra clear;
  fence.proxy.async.shared::cta;
  bar.sync 0;
"""
    begin = BEGIN + "  setp.ne.u32 %p1, %thread, 0;\n  @%p1 bra over;\n"
    wait_group = f"cp.async.bulk.wait_group.read {DEPTH - 1};" if rate else "cp.async.bulk.wait_group 0;"
    body = ""
    for i in range(DEPTH if rate else 1):
        body += f"""
  cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%d0, {{%a1, %a2}}], [%a{10 + i}];
  cp.async.bulk.commit_group;
  {wait_group}
"""
    drain = "  cp.async.bulk.wait_group 0;\n"
    text = module("probe", begin + loop(body) + drain + stop() + "over:",
                  threads=32, setup=setup, parameters=MAP, globals=GLOBALS)
    return Probe("TMA store rate" if rate else "TMA store latency",
                 {"box": f"{width}x{rows}", "swizzle": swizzle}, text, "probe",
                 "bytes/cycle/SM" if rate else "cycles", work=bytes * DEPTH if rate else 1,
                 measure="operations per cycle" if rate else "cycles per operation",
                 rounds=Scale(64, 2), grid=(SM, 1) if rate else 1, threads=32,
                 shared_bytes=shared_bytes(width, rows), arguments=[tensor(width, rows, swizzle)])


def probes():
    for swizzle, width, rows in BOXES:
        yield loads(swizzle, width, rows, rate=False)
        yield loads(swizzle, width, rows, rate=True)
    for swizzle, width, rows in ((0, 64, 64), (128, 64, 64), (128, 64, 128)):
        yield stores(swizzle, width, rows, rate=False)
        yield stores(swizzle, width, rows, rate=True)
