"""Which mutants change the meaning of a kernel, and why.

The rules argue from the PTX ISA and from what the original is known to do (it
goes round its ring, it has a second tile, ...), never from what a tool says.
The first rule that fits decides; what no rule decides must be in reviewed.txt.

A cause is the `cause` of a finding, or its `kind` where that has no cause or is
wgmma-registers.
"""

import dataclasses
import re


@dataclasses.dataclass
class Verdict:
    meaning: str  # "changed": must be caught; "same": must not be reported; "open": the ISA leaves it
    causes: frozenset
    reason: str


@dataclasses.dataclass
class Rule:
    kind: str
    operator: str  # a regular expression for the whole operator, "-past-KIND" included
    when: object  # of the context, or None
    meaning: str
    causes: frozenset
    reason: str


RULES = []


def changed(kind, operator, causes, reason, when=None):
    RULES.append(Rule(kind, operator, when, "changed", frozenset(causes.split()), reason))


def same(kind, operator, reason, when=None):
    RULES.append(Rule(kind, operator, when, "same", frozenset(), reason))


class Context:
    """What surrounds the mutated unit in the original."""

    def __init__(self, original, program, mutant):
        self.original, self.mutant = original, mutant
        self.units, self.unit = program.units, mutant.unit
        self.index = program.units.index(mutant.unit)
        self.facts = original.facts

    def next_of(self, kinds):
        for unit in self.units[self.index + 1 :]:
            if unit.kind in kinds:
                return unit.kind
        return None

    @property
    def is_first(self):
        """Nothing of the same kind comes before it in the text."""
        return not any(unit.kind == self.unit.kind for unit in self.units[: self.index])

    @property
    def peer_waits(self):
        """The producer's waits for other blocks: one in its loop, then those at its end."""
        return [unit for unit in self.units if unit.kind == "wait" and ".acquire.cluster" in unit.opcode]

    @property
    def barrier(self):
        """`full`: data is there; `empty`: the slot is free."""
        if self.unit.kind == "init":
            return "empty" if self.unit.number() in (None, self.original.empty_count) else "full"
        producer = self.unit.section.startswith("producer")
        if self.unit.kind == "wait":
            return "empty" if producer or self.unit in self.peer_waits else "full"
        return "empty" if self.unit.section.startswith("consumer") else "full"


def full(c):
    return c.barrier == "full"


def empty(c):
    return c.barrier == "empty"


def stored(c):
    """Producers fill the ring with ordinary stores."""
    return "stored-ring" in c.facts


def multicast(c):
    """Blocks of a cluster copy to one another's slots."""
    return "multicast" in c.facts


def at_end(c):
    """The producer stays, after its loop, until peers' last releases have arrived."""
    return c.unit in c.peer_waits[1:]


def publishes_barriers(c):
    """The barrier after mbarrier.init."""
    return c.is_first and "mbarriers" in c.facts and not multicast(c)


def frees_staging(c):
    return c.next_of({"store-shared", "bulk-store", "arrive"}) == "store-shared"


def publishes_staging(c):
    return c.next_of({"store-shared", "bulk-store", "arrive"}) == "bulk-store"


def releases(c):
    return c.next_of({"store-shared", "bulk-store", "arrive"}) == "arrive"


def last_bulk_wait(c):
    return c.next_of({"bulk-wait"}) is None


def in_loop(c):
    return c.unit.number() == 1 or "one-stage-in-flight" in c.facts


# Twice the same.
for kind in ("wait", "init-fence", "proxy-fence", "mma-fence", "fence", "barrier", "warp-barrier"):
    same(kind, "duplicate", "what the first did, the second finds done")
for kind in ("mma-wait", "bulk-wait", "copy-wait"):
    same(kind, "duplicate", "the groups that the second waits for have completed")
for kind in ("mma-commit", "bulk-commit", "copy-commit"):
    same(kind, "duplicate", "the second group is empty, and a wait for all but N groups can only wait for more")
same("registers", "duplicate", "the warpgroup has that many registers already")
changed("init", "duplicate", "barrier-misuse uninitialized-barrier", "mbarrier.init of a live object is undefined")

# mbarrier.init
changed("init", "delete", "uninitialized-barrier", "the barrier is used and was never initialised")
changed("init", r"count\+1", "arrival-count", "nobody makes the last arrival, and somebody waits for the phase")
changed("init", "count-1", "arrival-count no-synchronization missing-wait early-release",
        "the phase completes without the last of the warps that it should wait for")  # fmt: skip
same("init", "move-.*-past-init", "another object")
same("init", "move-.*-past-init-fence", "a barrier orders it for the CTA, and the fence is for other CTAs",
     lambda c: "alone-in-cluster" in c.facts)  # fmt: skip
same("init-fence", "delete|move-.*", "a barrier orders the init for the CTA, and there is no other CTA in the cluster",
     lambda c: "alone-in-cluster" in c.facts)  # fmt: skip

same("init", "move-.*-past-init-fence", "the arrival at the cluster's barrier releases it, too", multicast)
same("init-fence", "delete|move-.*", "the arrival at the cluster's barrier releases the barriers, too", multicast)
changed("init", "half", "early-release no-synchronization missing-wait arrival-count phase-aliasing",
        "the phase completes without one of the blocks")  # fmt: skip

# mbarrier waits
same("wait", "delete|move-down-past-wait", "each warp's arrival for a later slot releases this one, too",
     lambda c: at_end(c) and c.unit is not c.peer_waits[-1])  # fmt: skip
changed("wait", "delete", "peer-exit", "a peer arrives at a barrier of a block that may be gone", at_end)
changed("wait", "parity", "parity peer-exit arrival-count", "it passes before the peers' arrivals, or never", at_end)
same("wait", "relaxed|cta-scope", "nothing follows", at_end)
changed("wait", "delete", "missing-wait no-synchronization", "the tile is read before it is there",
        lambda c: full(c) and stored(c))  # fmt: skip
changed("wait", "delete", "missing-wait", "the tile is read before it is there", full)
changed("wait", "delete", "missing-wait no-synchronization arrival-count phase-aliasing",
        "the ring goes round: a slot is filled again while it is read", empty)  # fmt: skip
changed("wait", "parity", "parity missing-wait phase-aliasing no-synchronization",
        "the wait for the other parity passes on a fresh barrier", full)  # fmt: skip
changed("wait", "parity", "parity", "the first wait is for a phase that only the waiter itself could start", empty)
changed("wait", "relaxed", "weak-order", "a relaxed wait orders nothing after what the phase tells of")
same("wait", "move-down-past-mma-fence", "wgmma.fence orders registers only, and none is touched in between")
changed("wait", "move-down-past-(load-shared|mma)", "missing-wait", "that access comes before the tile is there", full)
changed("wait", "move-down-past-(bulk-load|store-shared)", "missing-wait no-synchronization",
        "that access comes before the slot is free", empty)  # fmt: skip
changed("wait", "move-down-past-expect", "arrival-count phase-aliasing",
        "only the wait tells that the phase before is complete, to which this arrives otherwise", empty)  # fmt: skip
same("wait", "move-.*-past-(global|registers)", "nothing that the phase tells of moved", full)

# mbarrier arrivals
changed("expect", "delete", "arrival-count transaction-bytes missing-signal", "nobody arrives, and somebody waits")
changed("expect", "duplicate", "arrival-count transaction-bytes missing-wait",
        "one arrival per phase is expected")  # fmt: skip
changed("expect", r"bytes[+-]16", "transaction-bytes", "the copies do not bring that many bytes")
changed("expect", "no-bytes", "transaction-bytes missing-wait", "the phase does not wait for the copies' bytes")
same("expect", "relaxed", "the copies release what they write, and this thread has written nothing")
same("expect", "move-.*-past-bulk-load", "the bytes may be negative while the arrival is pending")
changed("arrive", "delete", "arrival-count missing-signal", "the phase misses an arrival, and somebody waits for it")
changed("arrive", "duplicate", "arrival-count early-release no-synchronization missing-wait",
        "a warp is counted twice, so that the phase does not wait for another")  # fmt: skip
changed("arrive", "relaxed", "weak-order", "a relaxed arrival publishes nothing of what came before")
same("arrive", "move-down-past-(bulk-wait|global|proxy-fence|load-shared)",
     "a later release, in straight code, only lets others wait longer")  # fmt: skip

# Proxy fences
changed("proxy-fence", "delete|other-space", "missing-proxy-fence",
        "ordinary accesses, then asynchronous ones to the same bytes, and no other fence")  # fmt: skip
changed("proxy-fence", "move-up-past-(load|store)-shared", "missing-proxy-fence", "that access is not fenced any more")
same("proxy-fence", "move-down-past-(warp-)?barrier",
     "a fence on the acquiring side of the barrier serves as well, and the issuing thread executes it")  # fmt: skip

# Barriers of warps and blocks
changed("barrier", "delete|count=32", "uninitialized-barrier", "warps use mbarriers that they have not seen initialised",
        publishes_barriers)  # fmt: skip
same("barrier", "id=15", "all threads use the other number, and nobody else does", publishes_barriers)
same("barrier", "id=15", "all threads use the other number, and nobody else does", lambda c: "one-group" in c.facts)
changed("barrier", "id=15", "no-synchronization missing-wait named-barrier-count missing-proxy-fence",
        "warps of two warpgroups complete one barrier")  # fmt: skip
changed("barrier", r"count\+32", "named-barrier-count", "fewer warps come than are expected")
changed("barrier", "count-32", "named-barrier-count no-synchronization missing-wait early-exit missing-proxy-fence",
        "the last warp is not waited for, and begins the next generation")  # fmt: skip
changed("barrier", "delete|move-down-past-store-shared", "missing-wait no-synchronization early-release",
        "the staging buffer is overwritten while the store of the tile before reads it",
        lambda c: frees_staging(c) and "second-tile" in c.facts)  # fmt: skip
changed("barrier", "delete|move-down-past-bulk-store", "no-synchronization missing-proxy-fence",
        "other warps' part of the staging buffer is not there yet", publishes_staging)  # fmt: skip
changed("barrier", "delete|count=32", "no-synchronization missing-wait", "warps read and overwrite each other's elements",
        lambda c: "shared-by-warps" in c.facts)  # fmt: skip
changed("barrier", "move-.*-past-(load|store)-shared", "no-synchronization missing-wait",
        "that access is of elements of another warp",
        lambda c: "shared-by-warps" in c.facts)  # fmt: skip
same("barrier", "move-up-past-global", "nobody else uses that element", lambda c: "shared-by-warps" in c.facts)
changed("warp-barrier", "delete|move-down-past-arrive", "lane-only-release",
        "one lane arrives for what 32 lanes did", releases)  # fmt: skip
changed("warp-barrier", "delete|move-down-past-store-shared", "no-synchronization missing-wait early-release",
        "only one lane has waited for the store that reads the staging buffer", frees_staging)  # fmt: skip
changed("warp-barrier", "delete|move-down-past-bulk-store", "no-synchronization missing-proxy-fence lane-only-release",
        "one lane copies what 32 lanes stored", publishes_staging)  # fmt: skip

# Groups of bulk copies
changed("bulk-commit", "delete|move-up-past-bulk-store", "missing-wait pending-copies",
        "no wait for groups covers a store without a group")  # fmt: skip
changed("bulk-wait", r"delete|groups\+1", "pending-copies", "the last store still reads shared memory at exit",
        last_bulk_wait)  # fmt: skip
same("bulk-wait", "read", "only shared memory matters at exit: the launch waits for the writes", last_bulk_wait)
same("bulk-wait", "whole", "a stronger wait")
changed("bulk-wait", r"delete|groups\+1", "missing-wait",
        "the staging buffer is overwritten while the store of the tile before reads it",
        lambda c: "second-tile" in c.facts)  # fmt: skip
changed("bulk-wait", "move-down-past-(warp-)?barrier", "missing-wait no-synchronization early-release",
        "the others go on before the wait", lambda c: "second-tile" in c.facts)  # fmt: skip

# wgmma
changed("mma-fence", "delete|move-down-past-mma", "wgmma-registers",
        "wgmma.fence must come before the first wgmma and after other uses of the accumulators")  # fmt: skip
changed("mma-commit", "delete|move-up-past-mma|move-down-past-mma-wait", "early-release missing-wait wgmma-registers",
        "the wait does not cover the last product")  # fmt: skip
same("mma-wait", "groups-1", "a stronger wait")
changed("mma-wait", "delete", "early-release missing-wait",
        "the slot goes back while the product reads it, and no wait is left", lambda c: c.unit.number() == 1)  # fmt: skip
changed("mma-wait", r"groups\+1|move-down-past-arrive", "early-release",
        "the slot goes back while the product reads it", lambda c: c.unit.number() == 1)  # fmt: skip
changed("mma-wait", r"delete|groups\+1", "wgmma-registers early-release missing-wait",
        "the slot goes back, or the sums are read, before the product is done")  # fmt: skip
changed("mma-wait", "move-down-past-arrive", "early-release wgmma-registers",
        "the slot goes back, or the sums are read, before the product is done")  # fmt: skip
changed("mma-wait", "move-down-past-(global|store-shared)", "wgmma-registers", "the sums are read before they are there")

# setmaxnreg: the originals share out their registers to the last one.
changed("registers", "delete", "register-pool", "the consumers wait for registers that nobody gives back",
        lambda c: ".dec" in c.unit.opcode)  # fmt: skip
same("registers", "delete", "fewer registers, which only the assembler minds", lambda c: ".inc" in c.unit.opcode)
changed("registers", r"count\+8", "register-pool", "more registers than the CTA has")

# cp.async
changed("copy-commit", "delete|move-up-past-copy|move-down-past-copy-wait", "missing-wait",
        "the newest group, which the wait leaves out, has the copies that are read next")  # fmt: skip
changed("copy-wait", r"delete|groups\+1", "missing-wait", "the copies that are read next may be under way")
same("copy-wait", "groups-1", "a stronger wait")
changed("copy-wait", "move-down-past-barrier", "missing-wait no-synchronization early-release",
        "the other warps' copies may be under way")  # fmt: skip

# Clusters
changed("cluster-arrive", "relaxed-alone", "uninitialized-barrier weak-order",
        "peers' barriers are used that nothing tells to be initialised")  # fmt: skip
same("cluster-arrive", "relaxed", "nothing but barriers is published, which the fence for those releases", multicast)
changed("cluster-wait", "delete", "uninitialized-barrier arrival-count barrier-misuse",
        "peers' barriers are used that may not be initialised", multicast)  # fmt: skip
changed("peer-address", "own-twice", "early-release missing-wait no-synchronization phase-aliasing arrival-count",
        "the peer's slot is filled while its warps read it")  # fmt: skip
changed("peer-address", "other-twice", "early-release missing-wait no-synchronization phase-aliasing arrival-count",
        "the own slot is filled while its warps read it")  # fmt: skip
changed("peer-address", "own-only|other-only", "arrival-count missing-signal", "half of the arrivals are missing")
changed("bulk-load", "mask=.|alone", "transaction-bytes", "a block waits for bytes that nobody copies to it")
changed("cluster-arrive", "delete|move-down-past-cluster-wait", "arrival-count barrier-misuse missing-signal",
        "a wait without an arrival")  # fmt: skip
changed("cluster-arrive", "duplicate", "arrival-count barrier-misuse", "two arrivals of a thread in one phase")
changed("cluster-arrive", "move-up-past-store-shared", "early-release no-synchronization",
        "a peer may read before that store", lambda c: c.is_first)  # fmt: skip
same("cluster-arrive", "move-up-past-global", "nobody else uses that element")
changed("cluster-arrive", "relaxed", "weak-order", "a relaxed arrival publishes nothing", lambda c: c.is_first)
changed("cluster-wait", "delete", "no-synchronization missing-wait arrival-count barrier-misuse",
        "peers' elements are read before they are there", lambda c: c.is_first)  # fmt: skip
changed("cluster-wait", "delete", "peer-exit", "a CTA exits while peers may read its shared memory")
changed("cluster-wait", "duplicate", "arrival-count barrier-misuse", "a wait without an arrival")

# Flags in global memory
changed("fence", "delete|move-down-past-atomic|move-up-past-global", "weak-order no-synchronization",
        "a relaxed atomic orders nothing without fences on both sides", lambda c: c.is_first)  # fmt: skip
changed("fence", "delete", "weak-order no-synchronization", "a relaxed atomic orders nothing without fences on both sides")
same("fence", "move-up-past-store-shared", "a barrier orders that store, and the atomic comes before the fence still",
     lambda c: not c.is_first)  # fmt: skip
changed("fence", "cta-scope", "scope", "the other side is in another CTA")


def operator_of(mutant):
    return mutant.operator + (f"-past-{mutant.other.kind}" if mutant.other else "")


def decide(original, program, mutant):
    """The verdict of the first rule that fits, or None."""
    context = Context(original, program, mutant)
    operator = operator_of(mutant)
    for rule in RULES:
        if rule.kind != mutant.unit.kind or not re.fullmatch(rule.operator, operator):
            continue
        if rule.when is None or rule.when(context):
            return Verdict(rule.meaning, rule.causes, rule.reason)
    return None
