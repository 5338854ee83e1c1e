"""What waiting costs: mbarriers, named barriers, cluster barriers."""

from .kernel import BEGIN, Probe, Scale, loop, module, repeat, stop

ROUNDS = Scale(512, 3)


def wait(barrier, parity, label):
    """Waits for the phase; parity is a register that flips afterwards."""
    return f"""
{label}:
  mbarrier.try_wait.parity.shared::cta.b64 %done, [{barrier}], {parity};
  @!%done bra {label};
  xor.b32 {parity}, {parity}, 1;
"""


def init(count, *barriers):
    lines = ["  setp.eq.u32 %p0, %thread, 0;"]
    lines += [f"  @%p0 mbarrier.init.shared::cta.b64 [{b}], {count};" for b in barriers]
    lines += ["  fence.mbarrier_init.release.cluster;", "  mov.b32 %a0, 0;", "  bar.sync 0;"]
    return "\n".join(lines)


BARRIERS = ".shared .align 8 .b64 ping;\n.shared .align 8 .b64 pong;"


def alone():
    """One thread arrives and waits for the phase that this completes."""
    body = "  mbarrier.arrive.shared::cta.b64 _, [ping];" + wait("ping", "%a0", "again")
    return Probe("mbarrier arrive and wait", {"threads": "same"},
                 module("probe", BEGIN + "  @!%p0 bra over;\n" + loop(body) + stop() + "over:",
                        threads=32, setup=init(1, "ping"), globals=BARRIERS),
                 "probe", "cycles", rounds=ROUNDS, threads=32)


def ping_pong():
    """Two warps hand the turn to and fro: a round is two hops."""
    arrive = "  @%p2 mbarrier.arrive.shared::cta.b64 _, [{}];"
    first = arrive.format("ping") + wait("pong", "%a0", "again0")
    second = wait("ping", "%a0", "again1") + arrive.format("pong")
    main = BEGIN + "  setp.eq.u32 %p2, %lane, 0;\n  setp.ne.u32 %p1, %warp, 0;\n  @%p1 bra second;\n" + \
        loop(first, "measure0") + "  bra over;\nsecond:\n" + loop(second, "measure1") + "over:\n"
    return Probe("mbarrier hand-over", {"between": "warps"},
                 module("probe", main + stop(slots=2), threads=64, setup=init(1, "ping", "pong"),
                        globals=BARRIERS),
                 "probe", "cycles", work=2, rounds=ROUNDS, threads=64, slots=2)


def remote_ping_pong():
    """The same between the two blocks of a cluster."""
    setup = init(1, "ping") + """
  mov.u32 %a1, %cluster_ctarank;
  xor.b32 %a2, %a1, 1;
  mov.u32 %a3, ping;
  mapa.shared::cluster.u32 %a4, %a3, %a2;
  barrier.cluster.arrive.aligned;
  barrier.cluster.wait.aligned;
  setp.eq.u32 %p2, %lane, 0;
  setp.ne.u32 %p1, %a1, 0;
"""
    arrive = "  @%p2 mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%a4];"

    def wait_cluster(label):
        return f"""
{label}:
  mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %done, [ping], %a0;
  @!%done bra {label};
  xor.b32 %a0, %a0, 1;
"""
    main = BEGIN + "  @%p1 bra second;\n" + loop(arrive + wait_cluster("again0"), "measure0") + \
        "  bra over;\nsecond:\n" + loop(wait_cluster("again1") + arrive, "measure1") + "over:\n"
    end = "  barrier.cluster.arrive.aligned;\n  barrier.cluster.wait.aligned;\n"
    return Probe("mbarrier hand-over", {"between": "blocks of a cluster"},
                 module("probe", main + stop() + end, threads=32, setup=setup, globals=BARRIERS),
                 "probe", "cycles", work=2, rounds=ROUNDS, grid=2, cluster=2, threads=32)


def block_barrier(threads):
    body = repeat(8, lambda i: "bar.sync 0;")
    return Probe("bar.sync", {"threads": threads},
                 module("probe", BEGIN + loop(body) + stop(slots=threads // 32), threads=threads),
                 "probe", "cycles", work=8, rounds=Scale(128, 2), threads=threads, slots=threads // 32)


def named_barriers():
    """Two warpgroups take turns, as in ping-pong scheduling."""
    first = "  bar.arrive 1, 256;\n  bar.sync 2, 256;"
    second = "  bar.sync 1, 256;\n  bar.arrive 2, 256;"
    main = BEGIN + "  setp.ge.u32 %p1, %thread, 128;\n  @%p1 bra second;\n" + \
        loop(first, "measure0") + "  bra over;\nsecond:\n" + loop(second, "measure1") + "over:\n"
    return Probe("named barrier hand-over", {"between": "warpgroups"},
                 module("probe", main + stop(slots=8), threads=256),
                 "probe", "cycles", work=2, rounds=ROUNDS, threads=256, slots=8)


def cluster_barrier(size, order):
    body = f"  barrier.cluster.arrive.{order}.aligned;\n  barrier.cluster.wait.aligned;"
    return Probe("cluster barrier", {"blocks": size, "threads": 128, "arrive": order},
                 module("probe", BEGIN + loop(body) + stop(slots=4), threads=128),
                 "probe", "cycles", rounds=ROUNDS, grid=size, cluster=size, slots=4)


def fence():
    """A generic store made visible to the asynchronous proxy."""
    body = "  st.shared.b32 [%a1], %count;\n  fence.proxy.async.shared::cta;"
    setup = "  mov.u32 %a1, word;\n  shl.b32 %a2, %thread, 2;\n  add.u32 %a1, %a1, %a2;"
    return Probe("store and fence.proxy.async", {},
                 module("probe", BEGIN + loop(body) + stop(slots=4), threads=128, setup=setup,
                        globals=".shared .align 16 .b8 word[512];"),
                 "probe", "cycles", slots=4)


def probes():
    yield alone()
    yield ping_pong()
    yield remote_ping_pong()
    for threads in (32, 128, 256, 512, 1024):
        yield block_barrier(threads)
    yield named_barriers()
    for size in (2, 4, 8):
        for order in ("release", "relaxed"):
            yield cluster_barrier(size, order)
    yield fence()
