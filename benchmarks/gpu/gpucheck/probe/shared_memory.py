"""Latency and bandwidth of shared memory, its own and another block's."""

from .kernel import BEGIN, Probe, Scale, lanes, loop, module, repeat, stop

WORDS = ".shared .align 1024 .b8 words[32768];"
STEPS = 8


def clear():
    """Zeroes all words, with as many threads as there are."""
    return """
  mov.u32 %a150, words;
  shl.b32 %a151, %thread, 4;
  mov.u32 %a153, %ntid.x;
  shl.b32 %a153, %a153, 4;
clear:
  add.u32 %a152, %a150, %a151;
  mov.b32 %a154, 0;
  st.shared.v4.b32 [%a152], {%a154, %a154, %a154, %a154};
  add.u32 %a151, %a151, %a153;
  setp.lt.u32 %p0, %a151, 32768;
  @%p0 bra clear;
  bar.sync 0;
"""


def latency(cluster):
    """Each load's address is what the one before read, which is an offset of 0."""
    setup = clear() + "  mov.u32 %a0, words;\n"
    end = ""
    if cluster > 1:
        setup += """
  mov.u32 %a1, %cluster_ctarank;
  xor.b32 %a1, %a1, 1;
  mapa.shared::cluster.u32 %a0, %a0, %a1;
  barrier.cluster.arrive.aligned;
  barrier.cluster.wait.aligned;
"""
        end = "  barrier.cluster.arrive.aligned;\n  barrier.cluster.wait.aligned;\n"
    load = "ld.volatile.shared.b32" if cluster == 1 else "ld.relaxed.cluster.shared::cluster.b32"
    body = repeat(STEPS, lambda i: f"{load} %a2, [%a3]; add.u32 %a3, %a0, %a2;")
    main = "  mov.u32 %a3, %a0;\n" + BEGIN + loop(body) + stop(["%a3"]) + end
    return Probe("load latency", {"memory": "shared" if cluster == 1 else "shared of another block"},
                 module("probe", main, threads=32, setup=setup, globals=WORDS),
                 "probe", "cycles", work=STEPS, grid=cluster, cluster=cluster, threads=32)


def bandwidth(store, width, ways, threads=512):
    """`ways` lanes of each group that is served at once hit the same bank."""
    count = width // 4
    vector = {1: "", 2: ".v2", 4: ".v4"}[count]
    # Lane l reads word l * ways; threads of other warps read the same.
    setup = clear() + f"""
  mov.u32 %a0, words;
  mul.lo.u32 %a1, %lane, {width * ways};
  and.b32 %a1, %a1, 32767;
  add.u32 %a0, %a0, %a1;
"""
    if store:
        registers = lanes("%a{}", count, 4)
        body = repeat(STEPS, lambda i: f"st.volatile.shared{vector}.b32 [%a0], "
                      f"{registers if vector else '%a4'};")
        setup += "\n".join(f"  mov.b32 %a{4 + i}, 0;" for i in range(4))
        sinks = []
    else:
        body = repeat(STEPS, lambda i: f"ld.volatile.shared{vector}.b32 "
                      f"{lanes('%a{}', count, 4 + 4 * i) if vector else f'%a{4 + 4 * i}'}, [%a0];")
        sinks = [f"%a{4 + 4 * i + j}" for i in range(STEPS) for j in range(count)]
    return Probe("shared bandwidth",
                 {"access": "store" if store else "load", "bytes": width, "ways": ways},
                 module("probe", BEGIN + loop(body) + stop(sinks, slots=threads // 32),
                        threads=threads, setup=setup, globals=WORDS),
                 "probe", "bytes/cycle/SM", work=STEPS * threads * width,
                 measure="operations per cycle", threads=threads, slots=threads // 32)


def matrix(store, count, rate):
    """ldmatrix and stmatrix of rows of 16 bytes without bank conflicts."""
    threads = 512 if rate else 32
    setup = clear() + """
  mov.u32 %a0, words;
  shl.b32 %a1, %lane, 4;
  add.u32 %a0, %a0, %a1;
  mov.u32 %a3, %a0;
  mov.b32 %a149, 0;
""" + "\n".join(f"  mov.b32 %a{4 + i}, 0;" for i in range(40))
    if store:
        step = [f"stmatrix.sync.aligned.m8n8.x{count}.shared.b16 [%a0], {lanes('%a{}', count, 4)};"
                for i in range(STEPS)]
    elif rate:
        # A load whose result or address never changes would be taken out of
        # the loop: addresses move with it, and results are summed up.
        step = [f"ldmatrix.sync.aligned.m8n8.x{count}.shared.b16 {lanes('%a{}', count, 4 + 4 * i)}, "
                f"[%a3 + {512 * i}]; " +
                " ".join(f"xor.b32 %a149, %a149, %a{4 + 4 * i + j};" for j in range(count))
                for i in range(STEPS)]
    else:
        step = [f"ldmatrix.sync.aligned.m8n8.x{count}.shared.b16 {lanes('%a{}', count, 4)}, [%a3]; "
                "add.u32 %a3, %a0, %a4;" for i in range(STEPS)]
    sinks = [] if store else ["%a149"] if rate else ["%a4"]
    name = "stmatrix" if store else "ldmatrix"
    advance = "  and.b32 %a3, %count, 7;\n  mad.lo.u32 %a3, %a3, 512, %a0;\n" if rate and not store else ""
    return Probe(f"{name} rate" if rate else f"{name} latency", {"matrices": count},
                 module("probe", BEGIN + loop(advance + repeat(STEPS, lambda i: step[i])) +
                        stop(sinks, slots=threads // 32),
                        threads=threads, setup=setup, globals=WORDS),
                 "probe", "bytes/cycle/SM" if rate else "cycles",
                 work=STEPS * count * 128 * threads // 32 if rate else STEPS,
                 measure="operations per cycle" if rate else "cycles per operation",
                 threads=threads, slots=threads // 32)


def probes():
    yield latency(1)
    yield latency(2)
    for store in (False, True):
        for ways in (1, 2, 4, 8):
            yield bandwidth(store, 4, ways)
        yield bandwidth(store, 8, 1)
        yield bandwidth(store, 16, 1)
    for count in (1, 2, 4):
        yield matrix(False, count, True)
        yield matrix(True, count, True)
    yield matrix(False, 4, False)
