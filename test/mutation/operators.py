"""What is done to a kernel: each operator changes one synchronization."""

import dataclasses
import re

import ptx


@dataclasses.dataclass
class Mutant:
    unit: ptx.Unit
    operator: str  # delete, duplicate, move-up, move-down, or what is altered: "count+1"
    text: str  # of the module
    other: ptx.Unit = None  # of a move: what it moved past

    @property
    def name(self):
        past = f"-past-{self.other.kind}" if self.other else ""
        return f"{self.unit.first + 1}-{self.unit.kind}/{self.operator}{past}"


def substituted(program, unit, pattern, new):
    """The module with `pattern` replaced once in the lines of `unit`, or None."""
    old = program.text_of(unit)
    text, count = re.subn(pattern, new, old, count=1)
    return program.replaced(unit, text) if count and text != old else None


def numbers(program, unit, pattern, deltas, name):
    """`pattern` has the groups before, number and after."""
    found = re.search(pattern, program.text_of(unit))
    if not found:
        return
    for delta in deltas:
        value = int(found.group(2)) + delta
        if value < 0:
            continue
        text = substituted(program, unit, pattern, lambda m: f"{m.group(1)}{value}{m.group(3)}")
        if text:
            yield Mutant(unit, f"{name}{delta:+d}", text)


def computed(program, unit, pattern, code, name):
    """`pattern` is a register, of which `code` makes %mutated, which takes its place."""
    found = re.search(pattern, program.text_of(unit))
    if found:
        new = program.text_of(unit).replace(found.group(0), found.group(0).replace(found.group(1), "%mutated"))
        before = f"\t.reg .b32 %mutated; {code.format(found.group(1))}\n"
        yield Mutant(unit, name, program.replaced(unit, before + new))


def to_peers(program, unit):
    """Where a release arrives: as many times at one barrier of a cluster of two, or only at some."""
    code = program.text_of(unit)
    found = re.search(r"(@\w+) mapa\S* (\w+), ([%\w]+), (\w+);", code)
    if not found:
        return
    guard, result, _, lane = found.groups()
    own = "\t.reg .b32 own; mov.u32 own, %cluster_ctarank;\n"
    for name, rank in (("own-twice", ""), ("other-twice", " xor.b32 own, own, 1;\n")):
        text = own + rank + code.replace(f"{lane};", "own;")
        yield Mutant(unit, name, program.replaced(unit, text))
    for name, test in (("own-only", "eq"), ("other-only", "ne")):
        text = own + f"\tsetp.{test}.and.u32 {guard[1:]}, {lane}, own, {guard[1:]};\n" + code
        yield Mutant(unit, name, program.replaced(unit, text))


def relaxed(program, unit, pattern, new):
    """A form that older versions of PTX do not have."""
    text = substituted(program, unit, pattern, new)
    if text:
        yield Mutant(unit, "relaxed", re.sub(r"(?m)^\.version .*", ".version 9.0", text, count=1))


def alterations(program, unit):
    code = unit.text
    if unit.kind == "init":
        for mutant in numbers(program, unit, r"(\], *)(\d+)( *;)", (1, -1), "count"):
            if not mutant.text or ", 0;" not in mutant.text.split("\n")[unit.first]:
                yield mutant
        for code, name in (("add.u32 %mutated, {0}, 1;", "count+1"), ("sub.u32 %mutated, {0}, 1;", "count-1"),
                           ("shr.u32 %mutated, {0}, 1;", "half")):  # fmt: skip
            yield from computed(program, unit, r"\], *(%\w+) *;", code, name)
    elif unit.kind == "peer-address":
        yield from to_peers(program, unit)
    elif unit.kind == "bulk-load" and ".multicast" in code:
        for mask in (1, 2):
            text = substituted(program, unit, r"(\], *)%\w+( *;)", rf"\g<1>{mask}\2")
            yield Mutant(unit, f"mask={mask}", text)
        text = substituted(program, unit, r"\.multicast::cluster(.*\]), *%\w+( *;)", r"\1\2")
        yield Mutant(unit, "alone", text)
    elif unit.kind == "expect":
        yield from numbers(program, unit, r"(\], *)(\d+)( *;)", (16, -16), "bytes")
        text = substituted(program, unit, r"arrive\.expect_tx([.\w:]*)(\s+_, *\[[^\]]*\]), *\d+", r"arrive\1\2")
        yield Mutant(unit, "no-bytes", text)
    elif unit.kind in ("mma-wait", "bulk-wait", "copy-wait"):
        yield from numbers(program, unit, r"(wait_group\S*\s+)(\d+)( *;)", (1, -1), "groups")
        if unit.kind == "bulk-wait":
            if ".read" in code:
                yield Mutant(unit, "whole", substituted(program, unit, r"wait_group\.read", "wait_group"))
            else:
                yield Mutant(unit, "read", substituted(program, unit, r"wait_group\b", "wait_group.read"))
    elif unit.kind == "barrier":
        counted = re.search(r"sync\S*\s+[^,;]+, *(\d+) *;", code)
        if counted:
            yield from numbers(program, unit, r"(sync\S*\s+[^,;]+, *)(\d+)( *;)", (32, -32), "count")
        else:
            yield Mutant(unit, "count=32", substituted(program, unit, r"(sync\S*\s+[^,;]+);", r"\1, 32;"))
        yield Mutant(unit, "id=15", substituted(program, unit, r"(sync\S*\s+)[^,;]+", r"\g<1>15"))
    elif unit.kind == "registers":
        yield from numbers(program, unit, r"(u32\s+)(\d+)( *;)", (8,), "count")
    elif unit.kind == "proxy-fence" and "shared::cta" in code:
        yield Mutant(unit, "other-space", substituted(program, unit, r"async\.shared::cta", "async.global"))
    elif unit.kind == "fence":
        yield Mutant(unit, "cta-scope", substituted(program, unit, r"membar\.gl|fence\.acq_rel\.gpu", "membar.cta"))
    if unit.kind == "wait":
        # The parity of the other phase, in a register of its own.
        parity = re.search(r"(\[[^\]]*\], *)(%[\w$]+|\d+)( *;)", program.text_of(unit))
        if parity:
            text = substituted(program, unit, re.escape(parity.group(0)), parity.group(1) + "%mutated" + parity.group(3))
            lines = text.split("\n")
            lines[unit.first] = f"\t.reg .b32 %mutated; xor.b32 %mutated, {parity.group(2)}, 1;\n" + lines[unit.first]
            yield Mutant(unit, "parity", "\n".join(lines))
        yield from relaxed(program, unit, r"wait\.parity\.(?=shared)", "wait.parity.relaxed.cta.")
        yield from relaxed(program, unit, r"wait\.parity\.acquire\.cluster", "wait.parity.relaxed.cluster")
        text = substituted(program, unit, r"wait\.parity\.acquire\.cluster", "wait.parity")
        yield Mutant(unit, "cta-scope", text)
    if unit.kind in ("arrive", "expect"):
        yield from relaxed(program, unit, r"(arrive(\.expect_tx)?)\.(?=shared)", r"\1.relaxed.cta.")
        yield from relaxed(program, unit, r"arrive\.release\.cluster", "arrive.relaxed.cluster")
    if unit.kind == "cluster-arrive":
        for mutant in relaxed(program, unit, r"cluster\.arrive(\.release)?", "cluster.arrive.relaxed"):
            yield mutant
            text = mutant.text.replace("fence.mbarrier_init.release.cluster;", "")
            if text != mutant.text:
                yield Mutant(unit, "relaxed-alone", text)


def duplicate(program, unit):
    """Twice; labels of the second time have other names."""
    text = program.text_of(unit)
    label = re.search(r"^\s*([\w$]+):", text, re.MULTILINE)
    again = text
    if label and not text.lstrip().startswith("{"):
        again = re.sub(rf"(?<![\w$]){re.escape(label.group(1))}(?![\w$])", label.group(1) + "_again", text)
    return program.replaced(unit, text + "\n" + again)


def neighbour(program, index, step):
    """The next synchronization or memory access in the block, if one may move past it."""
    unit = program.units[index]
    position = index + step
    while 0 <= position < len(program.units):
        other = program.units[position]
        if other.block != unit.block or other.kind in ("label", "branch", "directive"):
            return None
        # What a unit reads must have the value that it has there.
        if other.kind not in ("wait",) and (other.writes() & unit.uses() or unit.writes() & other.uses()):
            return None
        if other.kind in ptx.SYNCHRONIZATION | ptx.MEMORY:
            return other if other.alone else None
        position += step
    return None


def mutants(program):
    for index, unit in enumerate(program.units):
        if unit.kind in ptx.ALTERED and unit.alone:
            yield from (mutant for mutant in alterations(program, unit) if mutant.text)
        if unit.kind not in ptx.SYNCHRONIZATION or not unit.alone:
            continue
        yield Mutant(unit, "delete", program.replaced(unit, "\n" * (unit.last - unit.first)))
        yield Mutant(unit, "duplicate", duplicate(program, unit))
        for mutant in alterations(program, unit):
            if mutant.text:
                yield mutant
        for step, name in ((1, "move-down"), (-1, "move-up")):
            other = neighbour(program, index, step)
            # Two neighbours that change places are one mutant.
            if other and not (step < 0 and other.kind in ptx.SYNCHRONIZATION):
                yield Mutant(unit, name, program.moved(unit, other, after=step > 0), other)
