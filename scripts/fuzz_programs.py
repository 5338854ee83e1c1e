"""Random tile programs for scripts/fuzz.

Numbers are small integers wherever decisions hang on them (comparisons, casts
to integers), so that every order of summation gives the same bits; each value
knows a bound of its magnitude, and is clamped before it could be rounded.
"""

import dataclasses
import math
import random
import re

import fuzz_functions
from fuzz_chains import Chain
from fuzz_states import States
from fuzz_values import BITS, EXACT, FLOATS, INTS, NARROW, Buffer, Index, Tile, is_float, tensor


# Functions of numbers up to 4, of numbers from 1, and of numbers up to 1.
BOUNDED = ("exp", "exp2", "expm1", "tanh", "erf", "erfc", "sin", "cos", "atan", "sinh", "cosh", "asinh", "cbrt")
POSITIVE = ("sqrt", "rsqrt", "log", "log2", "log10", "log1p", "acosh")
UNIT = ("asin", "acos")


class Kernel:
    """Writes one kernel. `rng` decides everything."""

    def __init__(self, rng, name, grid, inputs):
        self.rng, self.name, self.grid = rng, name, grid
        self.inputs, self.outputs = list(inputs), []
        self.with_dots = rng.random() < 0.7
        self.with_chains = self.with_dots and rng.random() < 0.5
        self.lines, self.depth, self.count = [], 1, 0
        self.pool, self.indices = [], []
        self.constants, self.header = {}, []
        self.budget = rng.choice([6, 10, 16, 24])
        # Elements that all blocks compute, which is what a run costs.
        self.cost, self.affordable = 0, rng.choice([1, 2, 4]) * 100_000
        self.repeats = max(1, math.prod(grid))
        self.attributes = {}
        self.arguments = []
        self.dots = 0
        self.blocks = [Index(f"%block{i}", 0, max(extent - 1, 0)) for i, extent in enumerate(grid)]

    # Text

    def emit(self, text):
        self.lines.append("  " * self.depth + text)

    def fresh(self, prefix="v"):
        self.count += 1
        return f"%{prefix}{self.count}"

    def index(self, value):
        if value not in self.constants:
            name = f"%c{value}" if value >= 0 else f"%cn{-value}"
            self.constants[value] = name
            self.header.append(f"  {name} = arith.constant {value} : index")
        return Index(self.constants[value], value, value)

    def op(self, text, shape, elem, bound, exact=True):
        tile = Tile(self.fresh(), tuple(shape), elem, bound, exact)
        self.cost += math.prod(shape) * self.repeats
        if self.cost > self.affordable:
            self.budget = 0
        self.emit(f"{tile.name} = {text}")
        self.pool.append(tile)
        return tile

    # Indices

    def scaled(self, index, factor):
        if factor == 1:
            return index
        result = Index(self.fresh("i"), *sorted((index.low * factor, index.high * factor)))
        self.emit(f"{result.name} = arith.muli {index.name}, {self.index(factor).name} : index")
        return result

    def plus(self, a, b):
        if b.low == b.high == 0:
            return a
        result = Index(self.fresh("i"), a.low + b.low, a.high + b.high)
        self.emit(f"{result.name} = arith.addi {a.name}, {b.name} : index")
        return result

    def random_index(self, extent, tile):
        """An offset that is mostly inside, and sometimes off on either side."""
        rng = self.rng
        result = self.index(rng.choice([0, 0, 0, 0, rng.randint(-tile, extent), rng.randint(0, max(extent - tile, 0)),
                                        8 * rng.randint(0, 4)]))
        if rng.random() < 0.5:
            source = rng.choice(self.indices)
            result = self.plus(result, self.scaled(source, rng.choice([1, tile, tile, 2, 8, -1])))
        return result

    # Leaves

    def constant(self, shape, elem, value=None):
        rng = self.rng
        if value is None:
            value = rng.choice([0, 1, 2, -1, 3, -3])
            if elem in ("i1",):
                value = rng.choice([0, 1])
        if elem == "i1":
            text = "true" if value else "false"
        else:
            text = f"{float(value):.1f}" if is_float(elem) else str(value)
        return self.op(f"arith.constant dense<{text}> : {tensor(shape, elem)}", shape, elem, abs(value))

    def splat_loaded(self, shape, elem):
        """One element of an input, in every place."""
        rng = self.rng
        fitting = [b for b in self.inputs if b.elem == elem and all(b.shape)]
        buffer = rng.choice(fitting) if fitting else self.new_input((rng.randint(1, 9),), elem)
        offsets = []
        for extent in buffer.shape:
            inside = [i for i in self.indices if i.low >= 0 and i.high < extent]
            offsets.append(rng.choice(inside) if inside and rng.random() < 0.5 else self.index(rng.randint(0, extent - 1)))
        name = self.fresh("e")
        self.emit(f"{name} = memref.load %{buffer.name}[{', '.join(o.name for o in offsets)}] : {buffer.view}")
        return self.op(f"tensor.splat {name} : {tensor(shape, elem)}", shape, elem, buffer.bound, buffer.exact)

    def splat(self, shape, elem):
        if self.rng.random() < 0.3:
            return self.splat_loaded(shape, elem)
        value = self.rng.randint(0, 4)
        return self.op(f"tensor.splat {self.scalar(value, elem)} : {tensor(shape, elem)}", shape, elem, value)

    def scalar(self, value, elem="index"):
        """The name of an argument that is `value`."""
        scalar = Buffer(f"s{len(self.arguments)}", elem, (), bound=value)
        self.arguments.append(scalar)
        return f"%{scalar.name}"

    def iota(self, shape, elem):
        axis = self.rng.randrange(len(shape))
        bound = shape[axis]
        return self.op(f"tile.iota axis {axis} : {tensor(shape, elem)}", shape, elem,
                       min(bound, 2 ** (BITS[elem] - 1)))

    def new_input(self, shape, elem, grown=True):
        rng = self.rng
        rank = min(len(shape) + rng.choice([0, 0, 0, 1]), 4)
        extents = [rng.randint(1, 3) for _ in range(rank - len(shape))]
        for extent in shape:
            extents.append(max(1, rng.choice([extent, extent, 2 * extent, extent + rng.randint(1, 9),
                                              max(extent - rng.randint(0, 5), 1), extent + 8])))
        bound = min(EXACT.get(elem, 127), rng.choice([1, 3, 4, 7]))
        return self.add_input(extents, elem, bound)

    def declare(self, buffer):
        """Decides which extents are known only when the program runs."""
        rng = self.rng
        buffer.dynamic = tuple(rng.random() < 0.7 for _ in buffer.shape)
        buffer.view = buffer.type
        if rng.random() < 0.08:
            strides = ["?"] * (len(buffer.shape) - 1) + [rng.choice(["1", "?"])]
            extents = "x".join(["?"] * len(buffer.shape))
            buffer.view = f"memref<{extents}x{buffer.elem}, strided<[{', '.join(strides)}]>>"
        return buffer

    def add_input(self, extents, elem, bound):
        buffer = Buffer(f"in{len(self.inputs)}_{self.name}", elem, tuple(extents), "", bound)
        self.inputs.append(self.declare(buffer))
        return buffer

    def load(self, shape, elem):
        rng = self.rng
        fitting = [b for b in self.inputs if b.elem == elem and len(b.shape) >= len(shape)]
        owned = [b for b in self.outputs
                 if b.elem == elem and b.access == "inout" and b.region and len(b.shape) >= len(shape) and
                 all(e <= r for e, r in zip(shape, b.region[len(b.region) - len(shape):]))]
        if owned and rng.random() < 0.4:
            return self.load_owned(rng.choice(owned), shape)
        buffer = rng.choice(fitting) if fitting and rng.random() < 0.8 else self.new_input(shape, elem)
        if rng.random() < 0.06:
            return self.gather(buffer, shape)
        if rng.random() < 0.1 and all(buffer.shape):
            buffer = self.part_of_input(buffer, len(shape))
        outer = len(buffer.shape) - len(shape)
        offsets = [self.random_index(extent, shape[i - outer] if i >= outer else 1)
                   for i, extent in enumerate(buffer.shape)]
        return self.load_at(buffer, offsets, shape)

    def part(self, buffer, offsets, extents, reduced=0):
        """A view of a part of a buffer, without its first `reduced` dimensions, which have one element."""
        rng = self.rng
        strides, known = [], 1
        for extent, dynamic in zip(reversed(buffer.shape), reversed(buffer.dynamic)):
            strides.insert(0, str(known) if known else "?")
            known = 0 if dynamic else known * extent
        explicit = re.search(r"strided<\[(.*)\]", buffer.view)
        if explicit:
            strides = explicit.group(1).split(", ")
        dynamic = [extent == 0 or i >= reduced and rng.random() < 0.6 for i, extent in enumerate(extents)]
        sizes = [self.index(e).name if d else str(e) for e, d in zip(extents, dynamic)]
        text = "x".join("?" if d else str(e) for e, d in zip(extents[reduced:], dynamic[reduced:]))
        view = f"memref<{text}x{buffer.elem}, strided<[{', '.join(strides[reduced:])}], offset: ?>>"
        name = self.fresh("part")
        self.emit(f"{name} = memref.subview %{buffer.name}[{', '.join(o.name for o in offsets)}] [{', '.join(sizes)}] "
                  f"[{', '.join('1' for _ in extents)}] : {buffer.view} to {view}")
        return dataclasses.replace(buffer, name=name[1:], shape=tuple(extents[reduced:]), view=view,
                                   dynamic=tuple(dynamic[reduced:]))

    def part_of_input(self, buffer, rank):
        """A random part of an input that still has `rank` dimensions."""
        rng = self.rng
        reduced = rng.randint(0, len(buffer.shape) - rank)
        offsets, extents = [], []
        for i, extent in enumerate(buffer.shape):
            size = 1 if i < reduced else rng.randint(0, extent)
            inside = [index for index in self.indices if index.low >= 0 and index.high + size <= extent]
            offsets.append(rng.choice(inside) if inside and rng.random() < 0.5 else
                           self.index(rng.randint(0, extent - size)))
            extents.append(size)
        return self.part(buffer, offsets, extents, reduced)

    def gather(self, buffer, shape):
        """Rows where tiles say, inside of the buffer or not."""
        rng = self.rng
        outer = len(buffer.shape) - len(shape) + 1
        gathered = rng.sample(range(outer), rng.randint(1, outer))
        offsets = []
        for i, extent in enumerate(buffer.shape):
            if i in gathered:
                elem = rng.choice(["i32", "i32", "i64", "index"])
                rows = self.gen(shape[:1], elem, 1)
                if rng.random() < 0.8 and elem != "index":
                    limit = self.constant(shape[:1], elem, min(extent, 100))
                    rows = self.op(f"arith.remui {rows.name}, {limit.name} : {rows.type}", shape[:1], elem, extent)
                offsets.append(f"{rows.name} : {rows.type}")
            else:
                offsets.append(self.random_index(extent, 1 if i < outer else shape[i - outer + 1]).name)
        pad = rng.choice([0, 1, -2]) if buffer.elem != "i1" else 0
        return self.op(f"tile.load %{buffer.name}[{', '.join(offsets)}] pad {float(pad) if is_float(buffer.elem) else pad} : "
                       f"{buffer.elem} : {buffer.view} -> {tensor(shape, buffer.elem)}", shape, buffer.elem,
                       max(buffer.bound, abs(pad)), buffer.exact)

    def load_owned(self, buffer, shape):
        outer = len(buffer.shape) - len(shape)
        offsets = self.owned_offsets(buffer, (1,) * outer + tuple(shape))
        return self.load_at(buffer, offsets, shape)

    def owned_offsets(self, buffer, shape):
        offsets = []
        for extent, region, block in zip(shape, buffer.region, buffer.block):
            slack = region - extent
            shift = self.index(self.rng.choice([0, self.rng.randint(0, slack)]))
            if block is not None:
                shift = self.plus(self.scaled(self.blocks[block], region), shift)
            offsets.append(shift)
        return offsets

    def load_at(self, buffer, offsets, shape, pad=None, loose=False):
        rng = self.rng
        outer = len(buffer.shape) - len(shape)
        inside = all(o.low >= 0 and o.high + (shape[i - outer] if i >= outer else 1) <= extent
                     for i, (o, extent) in enumerate(zip(offsets, buffer.shape)))
        text = f"tile.load %{buffer.name}[{', '.join(o.name for o in offsets)}]"
        bound = buffer.bound
        if not (inside and rng.random() < 0.5):
            value = rng.choice([0, 0, 1, -2]) if pad is None else pad
            if buffer.elem == "i1":
                value = 0
            bound = max(bound, abs(value))
            text += f" pad {float(value) if is_float(buffer.elem) else value} : {buffer.elem}"
        return self.op(f"{text} : {buffer.view} -> {tensor(shape, buffer.elem)}", shape, buffer.elem, bound,
                       buffer.exact)

    # Values

    def clamp(self, tile, bound):
        if tile.bound <= bound:
            return tile
        if tile.elem in NARROW:
            wide = self.op(f"arith.extf {tile.name} : {tile.type} to {tensor(tile.shape, 'f32')}", tile.shape, "f32",
                           tile.bound, tile.exact)
            wide = self.clamp(wide, bound)
            return self.op(f"arith.truncf {wide.name} : {wide.type} to {tile.type}", tile.shape, tile.elem, bound,
                           tile.exact)
        if is_float(tile.elem):
            low, high = "maximumf", "minimumf"
        else:
            low, high = "maxsi", "minsi"
        a = self.constant(tile.shape, tile.elem, -bound)
        b = self.constant(tile.shape, tile.elem, bound)
        t = self.op(f"arith.{low} {tile.name}, {a.name} : {tile.type}", tile.shape, tile.elem, bound, tile.exact)
        return self.op(f"arith.{high} {t.name}, {b.name} : {tile.type}", tile.shape, tile.elem, bound, tile.exact)

    def limit(self, elem):
        return EXACT[elem] if is_float(elem) else 2 ** (BITS[elem] - 1)

    def gen(self, shape, elem, depth):
        """A tile of a shape and type."""
        rng = self.rng
        shape = tuple(shape)
        self.budget -= 1
        known = [t for t in self.pool if t.shape == shape and t.elem == elem]
        if known and rng.random() < (0.35 if self.budget > 0 else 0.9):
            return rng.choice(known)
        if depth <= 0 or self.budget <= 0:
            choices = ["load"] * 4 + ["constant"]
            if elem not in NARROW + ("i1",):
                choices.append("splat")
            if elem in INTS + ("index",):
                choices += ["iota"]
            if elem == "index":
                choices = ["iota", "constant"]
            if elem == "i1":
                choices = ["cmp"]
                depth = 0
            return self.leaf(rng.choice(choices), shape, elem)
        makers = [self.gen_cast, self.gen_select, self.gen_reshape]
        if elem == "i1":
            makers = [self.gen_compare]
        elif elem == "index":
            makers = [self.gen_integer, self.gen_cast]
        elif elem in NARROW:
            makers = [self.gen_cast, self.gen_select]
        elif is_float(elem):
            makers += [self.gen_float] * 4
            if elem == "f32" and len(shape) == 2 and shape[0] == shape[1] <= 128:
                makers += [self.gen_inverse] * 2
            if self.with_dots and elem == "f32" and self.can_dot(shape):
                makers += [self.gen_dot] * 4
        else:
            makers += [self.gen_integer] * 4
            if self.with_dots and elem == "i32" and self.can_dot(shape):
                makers += [self.gen_dot] * 4
        return rng.choice(makers)(shape, elem, depth - 1)

    def leaf(self, kind, shape, elem):
        if kind == "cmp":
            return self.gen_compare(shape, elem, 0)
        return {"load": self.load, "constant": self.constant, "splat": self.splat, "iota": self.iota}[kind](shape, elem)

    def exact_gen(self, shape, elem, depth):
        tile = self.gen(shape, elem, depth)
        return tile if tile.exact else self.load(shape, elem)

    def gen_compare(self, shape, elem, depth):
        rng = self.rng
        kind = rng.choice(["f32", "i32", "i32", "bf16", "i8", "index", "i1"])
        if kind == "i1" and depth > 0:
            a, b = self.gen(shape, "i1", depth - 1), self.gen(shape, "i1", depth - 1)
            return self.op(f"arith.{rng.choice(['andi', 'ori', 'xori'])} {a.name}, {b.name} : {a.type}", shape, "i1", 1)
        kind = "i32" if kind == "i1" else kind
        a, b = self.exact_gen(shape, kind, depth - 1), self.exact_gen(shape, kind, depth - 1)
        if is_float(kind):
            predicate = rng.choice(["olt", "oge", "oeq", "une", "ugt", "ult"])
            return self.op(f"arith.cmpf {predicate}, {a.name}, {b.name} : {a.type}", shape, "i1", 1)
        predicate = rng.choice(["slt", "sge", "eq", "ne", "ugt", "ule"])
        return self.op(f"arith.cmpi {predicate}, {a.name}, {b.name} : {a.type}", shape, "i1", 1)

    def gen_select(self, shape, elem, depth):
        c = self.gen(shape, "i1", depth)
        a, b = self.gen(shape, elem, depth), self.gen(shape, elem, depth)
        return self.op(f"arith.select {c.name}, {a.name}, {b.name} : {c.type}, {a.type}", shape, elem,
                       max(a.bound, b.bound), a.exact and b.exact)

    def gen_cast(self, shape, elem, depth):
        rng = self.rng
        if elem == "index":
            a = self.gen(shape, "i32", depth)
            return self.op(f"arith.index_cast {a.name} : {a.type} to {tensor(shape, elem)}", shape, elem, a.bound)
        if is_float(elem):
            source = rng.choice([s for s in ("f32", "f16", "bf16", "f8E4M3FN", "f8E5M2", "i32", "i8", "i16", "f64")
                                 if s != elem and not (elem in NARROW and s not in ("f32", "f16", "bf16")) and
                                 not (elem == "f64" and s in NARROW)])
            if is_float(source) and BITS[source] == BITS[elem]:
                source = "f32" if elem != "f32" else "f16"
            a = self.exact_gen(shape, source, depth)
            a = self.clamp(a, min(EXACT[elem], self.limit(source) - 1))
            if is_float(source):
                name = "extf" if BITS[source] < BITS[elem] else "truncf"
                return self.op(f"arith.{name} {a.name} : {a.type} to {tensor(shape, elem)}", shape, elem, a.bound)
            if rng.random() < 0.3:
                mask = self.constant(shape, source, 15)
                a = self.op(f"arith.andi {a.name}, {mask.name} : {a.type}", shape, source, 15)
                return self.op(f"arith.uitofp {a.name} : {a.type} to {tensor(shape, elem)}", shape, elem, 15)
            return self.op(f"arith.sitofp {a.name} : {a.type} to {tensor(shape, elem)}", shape, elem, a.bound)
        source = rng.choice([s for s in ("f32", "f16", "bf16", "i32", "i8", "i16", "i1", "index") if s != elem])
        a = self.exact_gen(shape, source, depth)
        to = tensor(shape, elem)
        if is_float(source):
            if BITS[source] == BITS[elem] and rng.random() < 0.5:
                return self.op(f"arith.bitcast {self.positive(a).name} : {a.type} to {to}", shape, elem, self.limit(elem))
            a = self.clamp(a, min(EXACT[source], self.limit(elem) - 1))
            return self.op(f"arith.fptosi {a.name} : {a.type} to {to}", shape, elem, a.bound)
        if source == "index":
            return self.op(f"arith.index_cast {a.name} : {a.type} to {to}", shape, elem, self.limit(elem))
        if BITS[source] < BITS[elem]:
            name = rng.choice(["extsi", "extui"])
            bound = a.bound if name == "extsi" else 2 ** BITS[source]
        else:
            name, bound = "trunci", self.limit(elem)
        return self.op(f"arith.{name} {a.name} : {a.type} to {to}", shape, elem, bound)

    def positive(self, tile):
        """Without negative zeros, whose sign depends on the order of sums."""
        one = self.constant(tile.shape, tile.elem, 1)
        a = self.op(f"math.absf {tile.name} : {tile.type}", tile.shape, tile.elem, tile.bound)
        a = self.clamp(a, EXACT[tile.elem] - 1)
        return self.op(f"arith.addf {a.name}, {one.name} : {tile.type}", tile.shape, tile.elem, a.bound + 1)

    def gen_reshape(self, shape, elem, depth):
        rng = self.rng
        kind = rng.choice(["broadcast", "broadcast", "reduce", "transpose", "scan", "recurrence"])
        if kind == "scan" and elem != "index":
            return self.scan(self.gen(shape, elem, depth), rng.randrange(len(shape)))
        if kind == "recurrence" and len(shape) > 1 and elem in FLOATS:
            return self.recurrence(shape, elem, depth)
        if kind == "transpose" and len(shape) > 1:
            permutation = rng.sample(range(len(shape)), len(shape))
            source = [0] * len(shape)
            for result, operand in enumerate(permutation):
                source[operand] = shape[result]
            a = self.gen(source, elem, depth)
            return self.op(f"tile.transpose {a.name} {permutation} : {a.type} -> {tensor(shape, elem)}", shape, elem,
                           a.bound, a.exact)
        if kind == "broadcast" and len(shape) > 1:
            axes = sorted(rng.sample(range(len(shape)), rng.randint(1, len(shape) - 1)))
            a = self.gen([e for i, e in enumerate(shape) if i not in axes], elem, depth)
            return self.op(f"tile.broadcast {a.name} axes {axes} : {a.type} -> {tensor(shape, elem)}", shape, elem,
                           a.bound, a.exact)
        size = math.prod(shape)
        if len(shape) < 3 and size <= 4096 and elem not in NARROW:
            axis = rng.randint(0, len(shape))
            extent = rng.choice([e for e in (1, 2, 3, 8, 24, 64, 80, 128) if e * size <= 16384])
            source = shape[:axis] + (extent,) + shape[axis:]
            return self.reduce(self.gen(source, elem, depth), axis, depth)
        return self.gen(shape, elem, depth)

    def reduce(self, x, axis, depth):
        rng = self.rng
        extent = x.shape[axis]
        shape = x.shape[:axis] + x.shape[axis + 1:]
        init = self.gen(shape, x.elem, min(depth, 1))
        kinds = ["add", "add", "max", "min"] + ([] if is_float(x.elem) else ["and", "or", "xor"])
        kind = rng.choice(kinds)
        bound = max(x.bound, init.bound)
        if kind == "add":
            if is_float(x.elem):
                x = self.clamp(x, max(1, (self.limit(x.elem) // 2) // extent))
                init = self.clamp(init, self.limit(x.elem) // 2)
                if extent > self.limit(x.elem) // 2:
                    kind = "max"
            bound = x.bound * extent + init.bound
        if kind in ("and", "or", "xor") or bound > self.limit(x.elem):
            bound = self.limit(x.elem)
        return self.op(f"tile.reduce {kind} {x.name}, {init.name} axis {axis} : {x.type} -> {init.type}", shape, x.elem,
                       bound, x.exact and init.exact)

    def direction(self):
        """How a scan or a recurrence goes; the second says whether it excludes."""
        exclusive = self.rng.random() < 0.3
        return (" reverse" if self.rng.random() < 0.3 else "") + (" exclusive" if exclusive else ""), exclusive

    def scan(self, x, axis):
        rng = self.rng
        limit, extent = self.limit(x.elem), x.shape[axis]
        kind = rng.choice(["add", "add", "max", "min", "mul"] + ([] if is_float(x.elem) else ["and", "or", "xor"]))
        if kind == "add" and extent > limit // 2:
            kind = "max"
        how, exclusive = self.direction()
        bound = x.bound
        if is_float(x.elem) and kind in ("add", "mul"):
            x = self.clamp(x, 1 if kind == "mul" else max(1, (limit // 2) // extent))
            bound = x.bound * extent if kind == "add" else 1
        elif not is_float(x.elem):
            bound = limit
        elif exclusive:
            # What comes before the first element is an infinity.
            bound = math.inf
        result = self.op(f"tile.scan {kind} {x.name} axis {axis}{how} : {x.type}", x.shape, x.elem, bound, x.exact)
        if bound == math.inf:
            self.pool.remove(result)
            result = self.clamp(result, limit)
        return result

    def recurrence(self, shape, elem, depth):
        """Factors of -1, 0 and 1, so that nothing is rounded in any order."""
        rng = self.rng
        axis = rng.randrange(len(shape))
        limit, extent = self.limit(elem), shape[axis]
        if extent > limit // 4:
            return self.gen(shape, elem, depth)
        a = self.clamp(self.exact_gen(shape, elem, depth), 1)
        b = self.clamp(self.exact_gen(shape, elem, depth), max(1, (limit // 4) // extent))
        init = self.clamp(self.exact_gen(shape[:axis] + shape[axis + 1:], elem, 1), limit // 4)
        how, _ = self.direction()
        bound, name = init.bound + extent * b.bound, self.fresh()
        self.cost += math.prod(shape) * self.repeats
        self.emit(f"{name}:2 = tile.recurrence {a.name}, {b.name}, {init.name} axis {axis}{how} : {a.type}, {init.type}")
        results = [Tile(f"{name}#0", shape, elem, bound), Tile(f"{name}#1", init.shape, elem, bound)]
        self.pool += results
        return results[0]

    def gen_inverse(self, shape, elem, depth):
        """The inverse of a unit triangle, whose numbers would grow with it were they not small."""
        a = self.clamp(self.exact_gen(shape, elem, depth), 1)
        text = f"precision {self.rng.choice(['ieee', 'tf32', 'f16'])} : {a.type}"
        # Blocks of 16 are inverted as f32.
        if shape[0] <= 16:
            return self.op(f"tile.tri_inverse {a.name} {text}", shape, "f32", 2**14)
        small = self.op(f"arith.constant dense<{1 / shape[0]}> : {a.type}", shape, "f32", 1, False)
        self.pool.remove(small)
        a = self.op(f"arith.mulf {a.name}, {small.name} : {a.type}", shape, "f32", 1, False)
        self.pool.remove(a)
        return self.op(f"tile.tri_inverse {a.name} {text}", shape, "f32", 3, False)

    def gen_integer(self, shape, elem, depth):
        rng = self.rng
        a = self.gen(shape, elem, depth)
        if elem in INTS and rng.random() < 0.1:
            name = rng.choice(["absi", "ctpop", "ctlz", "cttz"])
            return self.op(f"math.{name} {a.name} : {a.type}", shape, elem, self.limit(elem))
        name = rng.choice(["addi", "subi", "muli", "andi", "ori", "xori", "maxsi", "minsi", "maxui", "minui", "shli",
                           "shrsi", "shrui", "divsi", "remsi", "divui", "remui", "ceildivsi", "ceildivui", "floordivsi"])
        if name in ("shli", "shrsi", "shrui"):
            b = self.constant(shape, elem, rng.randint(0, 7))
        elif "div" in name or "rem" in name:
            b = self.constant(shape, elem, rng.choice([1, 2, 3, 7]))
        else:
            b = self.gen(shape, elem, depth)
        bound = {"addi": a.bound + b.bound, "subi": a.bound + b.bound, "muli": a.bound * b.bound,
                 "maxsi": max(a.bound, b.bound), "minsi": max(a.bound, b.bound)}.get(name, self.limit(elem))
        return self.op(f"arith.{name} {a.name}, {b.name} : {a.type}", shape, elem, min(bound, self.limit(elem)))

    def gen_float(self, shape, elem, depth):
        rng = self.rng
        a = self.gen(shape, elem, depth)
        limit = EXACT[elem]
        if a.exact and rng.random() < 0.2:
            half = self.op(f"arith.constant dense<0.5> : {a.type}", shape, elem, 1, False)
            self.pool.remove(half)
            x = self.op(f"arith.mulf {a.name}, {half.name} : {a.type}", shape, elem, a.bound, False)
            self.pool.remove(x)
            name = rng.choice(["floor", "ceil", "trunc", "roundeven", "round"])
            return self.op(f"math.{name} {x.name} : {a.type}", shape, elem, a.bound + 1)
        if elem == "f32" and rng.random() < 0.15:
            return self.function(a)
        kind = rng.choice(["addf", "subf", "mulf", "maximumf", "minimumf", "maxnumf", "minnumf", "negf", "absf", "fma"])
        if kind == "negf":
            return self.op(f"arith.negf {a.name} : {a.type}", shape, elem, a.bound, a.exact)
        if kind == "absf":
            return self.op(f"math.absf {a.name} : {a.type}", shape, elem, a.bound, a.exact)
        b = self.gen(shape, elem, depth)
        exact = a.exact and b.exact
        if kind in ("addf", "subf"):
            a, b = self.clamp(a, limit // 2), self.clamp(b, limit // 2)
            bound = a.bound + b.bound
        elif kind in ("mulf", "fma"):
            root = math.isqrt(limit // 2)
            a, b = self.clamp(a, root), self.clamp(b, root)
            bound = a.bound * b.bound
        else:
            bound = max(a.bound, b.bound)
        if kind == "fma":
            c = self.clamp(self.gen(shape, elem, depth), limit // 2)
            return self.op(f"math.fma {a.name}, {b.name}, {c.name} : {a.type}", shape, elem, bound + c.bound,
                           exact and c.exact)
        return self.op(f"arith.{kind} {a.name}, {b.name} : {a.type}", shape, elem, bound, exact)

    def function(self, a):
        """A function whose result is not an integer."""
        name = self.rng.choice(BOUNDED + POSITIVE + UNIT + ("divf", "powf", "atan2", "clampf", "copysign"))
        shape = a.shape
        if name in POSITIVE + ("divf", "powf"):
            one = self.constant(shape, "f32", 1)
            b = self.op(f"math.absf {a.name} : {a.type}", shape, "f32", a.bound, a.exact)
            b = self.op(f"arith.addf {b.name}, {one.name} : {a.type}", shape, "f32", a.bound + 1, a.exact)
            if name == "divf":
                return self.op(f"arith.divf {one.name}, {b.name} : {a.type}", shape, "f32", 1, False)
            if name == "powf":
                half = self.op(f"arith.constant dense<0.75> : {a.type}", shape, "f32", 1, False)
                self.pool.remove(half)
                return self.op(f"math.powf {b.name}, {half.name} : {a.type}", shape, "f32", b.bound, False)
            a = b
        elif name in ("atan2", "copysign"):
            # The sign of a zero would decide.
            b = self.positive(a)
            return self.op(f"math.{name} {b.name}, {b.name} : {a.type}", shape, "f32", b.bound, False)
        elif name == "clampf":
            low, high = sorted(self.rng.sample(range(-5, 6), 2))
            low, high = self.constant(shape, "f32", low), self.constant(shape, "f32", high)
            return self.op(f"math.clampf {a.name} to [{low.name}, {high.name}] : {a.type}", shape, "f32", 5, a.exact)
        else:
            a = self.clamp(a, 1 if name in UNIT else 4)
        return self.op(f"math.{name} {a.name} : {a.type}", shape, "f32", max(a.bound, 64), False)

    # Dots

    def can_dot(self, shape):
        return (self.cost < self.affordable and len(shape) == 2 and shape[0] % 64 == 0 and shape[1] % 8 == 0 and shape[1] <= 256 and
                shape[0] <= 256 and self.dots < 4 and math.prod(shape) <= 32768)

    def gen_dot(self, shape, elem, depth, acc=None):
        rng = self.rng
        m, n = shape
        self.dots += 1
        if elem == "i32":
            pairs = [("i8", "i8")]
        else:
            narrow = ("f8E4M3FN", "f8E5M2")
            pairs = [("bf16",) * 2] * 4 + [("f16",) * 2] * 3 + [("f32",) * 2, (rng.choice(narrow), rng.choice(narrow))]
        a_elem, b_elem = rng.choice(pairs)
        bits = BITS[a_elem]
        transpose_a = bits == 16 and rng.random() < 0.35
        transpose_b = bits != 16 or n % 16 != 0 or rng.random() < 0.4
        if a_elem == "i8" and n > 24 and n % 16:
            return self.gen(shape, elem, depth)
        ks = [k for k in (16, 32, 48, 64, 96, 128) if k % (256 // bits) == 0 and k * max(m, n) <= 16384 and m * n * k <= 64 * 64 * 128] or [256 // bits]
        k = rng.choice(ks)
        a = self.operand((k, m) if transpose_a else (m, k), a_elem, depth)
        b = self.operand((n, k) if transpose_b else (k, n), b_elem, depth)
        if acc is None:
            acc = self.constant(shape, elem, 0) if rng.random() < 0.5 else self.gen(shape, elem, depth - 1)
            acc = self.clamp(acc, 2**20)
        exact = a.exact and b.exact and acc.exact
        self.cost += m * n * k * self.repeats // 32
        text = f"tile.dot {a.name}, {b.name}, {acc.name}"
        if transpose_a:
            text += " transpose_a"
        if transpose_b:
            text += " transpose_b"
        if a_elem in NARROW and rng.random() < 0.3:
            text += " fast_accum"
            exact = False
        if a_elem == "f32":
            text += " precision tf32"
        return self.op(f"{text} : {a.type}, {b.type} -> {acc.type}", shape, elem,
                       acc.bound + k * a.bound * b.bound, exact)

    def operand(self, shape, elem, depth):
        rng = self.rng
        known = [t for t in self.pool if t.shape == shape and t.elem == elem]
        roll = rng.random()
        if known and roll < 0.3:
            tile = rng.choice(known)
        elif roll < 0.8 or elem == "index":
            tile = self.load(shape, elem)
        else:
            tile = self.exact_gen(shape, elem, min(depth, 2))
        return self.clamp(tile, min(7, self.limit(elem) - 1))

    # Statements

    def statement(self, depth):
        kinds = ["store"] * 3 + ["reduction"] + (["for", "for", "if"] if depth > 0 else [])
        {"store": self.store, "reduction": self.reduction, "for": self.loop,
         "if": self.branch}[self.rng.choice(kinds)](depth)

    def chain(self):
        """Loops of products that need one another; something else where they would take too long."""
        if not self.rng.choice([Chain, States])(self).write():
            self.statement(1)

    def random_shape(self):
        rng = self.rng
        left = (self.affordable - self.cost) // self.repeats
        if left < 256:
            return (rng.choice([1, 2, 7, 16]),)
        if self.with_dots and rng.random() < 0.75 and left > 10000:
            return (rng.choice([64, 64, 64, 128, 128, 192, 256]),
                    rng.choice([8, 16, 24, 32, 40, 64, 64, 80, 96, 128]))
        extents = [1, 2, 3, 4, 7, 8, 16, 24, 32, 64, 80, 96, 100, 128, 192]
        if rng.random() < 0.1:
            return (rng.choice([1, 8, 16, 17, 40, 64]),) * 2
        rank = rng.choice([1, 1, 2, 2, 2, 3])
        if rank == 1:
            return (rng.choice(extents + [256, 1000, 2880]),)
        while True:
            shape = tuple(rng.choice(extents) for _ in range(rank))
            if math.prod(shape) <= min(8192, left // 4 + 64):
                return shape

    def owned_shape(self, buffer):
        """A tile of what a block owns of a buffer, or None if it is too large."""
        rng = self.rng
        rank = rng.randint(1, min(3, len(buffer.region)))
        shape = []
        for region in buffer.region[len(buffer.region) - rank:]:
            shape.append(region if rng.random() < 0.7 else max(1, region - rng.randint(0, 3)))
        return None if math.prod(shape) > 16384 or buffer.elem in NARROW and rank > 2 else shape

    def store(self, depth):
        rng = self.rng
        owned = [b for b in self.outputs if b.region]
        if owned and rng.random() < 0.4:
            buffer = rng.choice(owned)
            shape = self.owned_shape(buffer)
            if shape is None:
                return
            if buffer.room is None:
                tile = self.gen(shape, buffer.elem, 3)
            else:
                tile = self.clamp(self.exact_gen(shape, buffer.elem, 3), self.stored_bound(buffer.elem))
        else:
            shape = self.random_shape()
            elems = ["f32", "f32", "bf16", "f16", "i32", "i8", "f8E4M3FN", "i16", "i64", "f8E5M2", "f64"]
            if self.with_dots:
                elems = ["f32"] * 6 + ["i32"] * 2 + elems
            elem = rng.choice(elems)
            tile = self.gen(shape, elem, 4)
            if elem == "f32" and rng.random() < 0.4:
                to = rng.choice(["bf16", "f16"])
                tile = self.clamp(tile, EXACT[to])
                tile = self.op(f"arith.truncf {tile.name} : {tile.type} to {tensor(shape, to)}", shape, to, tile.bound,
                               tile.exact)
                if not tile.exact:
                    self.pool.remove(tile)
            buffer = self.new_output(tile)
        tile = self.readable(tile, buffer)
        offsets = self.owned_offsets(buffer, (1,) * (len(buffer.shape) - len(tile.shape)) + tile.shape)
        buffer.bound = max(buffer.bound, tile.bound)
        buffer.exact &= tile.exact
        self.emit_store(tile, buffer, offsets)

    def readable(self, tile, buffer):
        """A tile to store: no greater than what is read of the buffer may be."""
        if buffer.access == "inout" and is_float(tile.elem) and tile.exact:
            return self.clamp(tile, buffer.bound)
        return tile

    def stored_bound(self, elem):
        """The greatest number that is stored where others are added to it, and the greatest sum of those."""
        return min(EXACT[elem] // 4, 2**19) if is_float(elem) else self.limit(elem)

    def reduction(self, depth):
        """A store that reduces: into what the block owns, between other stores and loads, or into what all share."""
        rng = self.rng
        known = [b for b in self.outputs if b.room is not None]
        buffer = rng.choice(known) if known and rng.random() < 0.6 else None
        if buffer is None:
            elem = rng.choice(["f32"] * 4 + ["f64", "bf16", "f16"] + ["i32"] * 3 + ["i64"])
            shape = self.random_shape()
        else:
            elem = buffer.elem
            shape = self.owned_shape(buffer) if buffer.region else buffer.tile
        room = self.stored_bound(elem) if buffer is None else buffer.room
        # Every block and iteration may add to the same element.
        bound = room // (2 * self.repeats)
        if shape is None or bound < 1 and is_float(elem):
            return
        tile = self.exact_gen(tuple(shape), elem, 3)
        if is_float(elem):
            tile = self.clamp(tile, bound)
        if buffer is None:
            buffer = self.new_output(tile, "inout")
            buffer.room, buffer.bound = room, min(4 * room, self.limit(elem))
            if rng.random() < 0.5:
                buffer.kind, buffer.tile, buffer.region = self.reduction_kind(elem), tuple(shape), ()
        if is_float(elem):
            buffer.room -= tile.bound * self.repeats
        if buffer.region:
            # A block's own reductions of different kinds have an order.
            kind = self.reduction_kind(elem)
            offsets = self.owned_offsets(buffer, (1,) * (len(buffer.shape) - len(tile.shape)) + tile.shape)
        else:
            kind, outer = buffer.kind, len(buffer.shape) - len(tile.shape)
            offsets = [self.random_index(extent, shape[i - outer] if i >= outer else 1)
                       for i, extent in enumerate(buffer.shape)]
        self.emit_store(tile, buffer, offsets, kind)

    def reduction_kind(self, elem):
        return "add" if is_float(elem) else self.rng.choice(["add", "add", "min", "max"])

    def emit_store(self, tile, buffer, offsets, kind=""):
        """A store, perhaps through a view of less than the tile."""
        rng = self.rng
        if rng.random() < 0.1:
            shape = (1,) * (len(buffer.shape) - len(tile.shape)) + tile.shape
            inside = all(o.low >= 0 and o.high <= extent for o, extent in zip(offsets, buffer.shape))
            extents = [min(rng.choice([e, e, max(e - 1, 0), e // 2]), extent - o.high)
                       for e, o, extent in zip(shape, offsets, buffer.shape)]
            if inside and all(extents[:len(shape) - len(tile.shape)]):
                buffer = self.part(buffer, offsets, extents)
                offsets = [self.index(0) for _ in extents]
        how = f" reduce {kind}" if kind else ""
        self.emit(f"tile.store {tile.name}, %{buffer.name}[{', '.join(o.name for o in offsets)}]{how} : "
                  f"{tile.type}, {buffer.view}")

    def new_output(self, tile, access=None):
        rng = self.rng
        wide = [i for i, extent in enumerate(self.grid) if extent > 1]
        rank = max(len(tile.shape) + rng.choice([0, 0, 0, 1]), len(wide))
        region = [1] * (rank - len(tile.shape))
        region += [e + rng.choice([0, 0, 0, 1, 8]) for e in tile.shape]
        block = [None] * rank
        for dim, owner in zip(rng.sample(range(rank), len(wide)), wide):
            block[dim] = owner
        shape = []
        for extent, owner in zip(region, block):
            total = extent * (self.grid[owner] if owner is not None else 1)
            shape.append(max(1, total + rng.choice([0, 0, 0, -1, -extent // 2, 3, 8])))
        buffer = Buffer(f"out{len(self.outputs)}_{self.name}", tile.elem, tuple(shape),
                        access or rng.choice(["out", "inout"]), bound=min(4, self.limit(tile.elem) - 1),
                        region=tuple(region), block=tuple(block))
        # What is read back may be what an earlier iteration stored.
        if buffer.access == "inout":
            if not tile.exact:
                buffer.access = "out"
            buffer.bound = self.limit(tile.elem) if not is_float(tile.elem) else min(EXACT[tile.elem], 2**21)
        self.outputs.append(self.declare(buffer))
        return buffer

    def bounds(self):
        """Bounds and step of a loop with few iterations, and their number."""
        rng = self.rng
        trips = rng.choice([0, 1, 2, 3, 3, 4, 5])
        step = rng.choice([1, 1, 2, 8, 16, 64])
        low = rng.choice([0, 0, 0, 1, -step])
        high = low + trips * step - (rng.randint(0, step - 1) if trips else rng.choice([0, 1]))
        names = [self.index(low).name, self.index(high).name, self.index(step).name]
        if rng.random() < 0.5:
            names[1] = self.scalar(high)
        return trips, low, step, names

    def enter(self):
        self.depth += 1
        return len(self.pool), len(self.indices)

    def leave(self, scope):
        self.depth -= 1
        del self.pool[scope[0]:]
        del self.indices[scope[1]:]

    def loop(self, depth):
        rng = self.rng
        trips, low, step, (first, last, by) = self.bounds()
        carried = []
        dotted = []
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            shape = self.random_shape()
            dot = self.with_dots and self.can_dot(shape) and rng.random() < 0.9
            elem = rng.choice(["f32", "f32", "f32", "i32"] if dot else ["f32", "f16", "bf16", "i32", "i8"])
            if dot and rng.random() < 0.7:
                init = self.constant(shape, elem, rng.choice([0, 0, 1]))
            else:
                init = self.exact_gen(shape, elem, 2)
            init = self.clamp(init, min(2**20, self.limit(elem)))
            carried.append(init)
            dotted.append(dot)
        name, iv = self.fresh("r"), Index(self.fresh("i"), low, low + max(trips - 1, 0) * step)
        arguments = [self.fresh("a") for _ in carried]
        stages = f" {{tile.stages = {rng.randint(1, 4)} : i64}}" if rng.random() < 0.3 else ""
        header = f"scf.for {iv.name} = {first} to {last} step {by}"
        if carried:
            pairs = ", ".join(f"{a} = {t.name}" for a, t in zip(arguments, carried))
            header += f" iter_args({pairs}) -> ({', '.join(t.type for t in carried)})"
            result = f":{len(carried)}" if len(carried) > 1 else ""
            header = f"{name}{result} = " + header
        self.emit(header + " {")
        scope = self.enter()
        self.indices.append(iv)
        self.repeats *= max(1, trips)
        self.budget += 6
        inner = []
        for argument, init, dot in zip(arguments, carried, dotted):
            bound = 2**22 if dot else self.limit(init.elem)
            inner.append(Tile(argument, init.shape, init.elem, bound))
        if not any(dotted) or rng.random() < 0.3:
            self.pool += inner
        if rng.random() < 0.4 or not carried:
            for _ in range(rng.randint(1, 2)):
                self.statement(depth - 1)
        yields = []
        for tile, dot in zip(inner, dotted):
            if dot and rng.random() < 0.9:
                value = self.gen_dot(tile.shape, tile.elem, 2, acc=tile)
                if not value.exact:
                    value = self.exact_gen(tile.shape, tile.elem, 1)
            else:
                self.pool.append(tile)
                value = self.exact_gen(tile.shape, tile.elem, 2)
                value = self.clamp(value, 2**22 if dot else self.limit(tile.elem))
            yields.append(value)
        if carried:
            self.emit(f"scf.yield {', '.join(y.name for y in yields)} : {', '.join(y.type for y in yields)}")
        self.leave(scope)
        self.repeats //= max(1, trips)
        self.emit("}" + stages)
        for i, tile in enumerate(inner):
            self.pool.append(Tile(f"{name}#{i}" if len(inner) > 1 else name, tile.shape, tile.elem,
                                  2**23 if dotted[i] else tile.bound))
        if carried and rng.random() < 0.9:
            self.budget += 3
            self.store_result(self.pool[-1])

    def store_result(self, tile):
        if self.rng.random() < 0.5 and is_float(tile.elem):
            other = self.gen_float(tile.shape, tile.elem, 1)
            kind = self.rng.choice(["maximumf", "minimumf"])
            tile = self.op(f"arith.{kind} {tile.name}, {other.name} : {tile.type}", tile.shape, tile.elem,
                           max(tile.bound, other.bound), tile.exact and other.exact)
        self.store_tile(tile)

    def store_tile(self, tile):
        """Stores a tile to a buffer of its own, or adds it to one once."""
        adds = self.depth == 1 and tile.elem in ("f32", "f16", "bf16", "f64", "i32") and self.rng.random() < 0.2
        buffer = self.new_output(tile)
        tile = self.readable(tile, buffer)
        offsets = self.owned_offsets(buffer, (1,) * (len(buffer.shape) - len(tile.shape)) + tile.shape)
        buffer.bound, buffer.exact = max(buffer.bound, tile.bound), buffer.exact and tile.exact
        if adds:
            # Nothing else may use what this rounds.
            buffer.access, buffer.exact, buffer.region = "inout", False, ()
        self.emit_store(tile, buffer, offsets, "add" if adds else "")

    def branch(self, depth):
        rng = self.rng
        condition = self.fresh("p")
        index = rng.choice(self.indices)
        limit = self.index(rng.randint(index.low, index.high + 1))
        self.emit(f"{condition} = arith.cmpi {rng.choice(['slt', 'eq', 'sge', 'ne'])}, {index.name}, {limit.name} : index")
        if rng.random() < 0.5:
            self.emit(f"scf.if {condition} {{")
            for part in range(rng.choice([1, 2])):
                if part:
                    self.emit("} else {")
                scope = self.enter()
                self.budget += 4
                self.statement(depth - 1)
                self.leave(scope)
            self.emit("}")
            return
        shape = self.random_shape()
        elem = rng.choice(["f32", "f32", "i32", "bf16"])
        name = self.fresh("r")
        self.emit(f"{name} = scf.if {condition} -> ({tensor(shape, elem)}) {{")
        bound = 0
        for part in range(2):
            if part:
                self.emit("} else {")
            scope = self.enter()
            self.budget += 4
            tile = self.exact_gen(shape, elem, 3)
            self.emit(f"scf.yield {tile.name} : {tile.type}")
            bound = max(bound, tile.bound)
            self.leave(scope)
        self.emit("}")
        self.pool.append(Tile(name, shape, elem, bound))
        self.store_result(self.pool[-1])

    # The whole

    def write(self):
        rng = self.rng
        self.indices = list(self.blocks)
        for _ in range(rng.choice([1, 1, 2, 3])):
            self.budget += 4
            if self.with_chains:
                self.chain()
                # The kernel is large enough for its threads.
                if rng.random() < 0.8:
                    break
            self.statement(rng.choice([1, 2, 2]))
        if not self.outputs:
            self.store(0)
        if rng.random() < 0.4:
            self.attributes["tile.warps"] = rng.choice([1, 2, 4, 8] if not self.dots else [4, 4, 8])
        if rng.random() < 0.3:
            self.attributes["tile.stages"] = rng.randint(1, 4)
        if rng.random() < 0.3:
            self.attributes["tile.raster"] = rng.randint(1, 8)

    def text(self):
        arguments = [f"%{b.name}: {b.view}" for b in self.inputs + self.outputs]
        arguments += [f"%{s.name}: {s.elem}" for s in self.arguments]
        attributes = ""
        if self.attributes:
            attributes = " attributes {" + ", ".join(f"{k} = {v}" for k, v in self.attributes.items()) + "}"
        lines = [f"tile.kernel @{self.name}({', '.join(arguments)}){attributes} {{"]
        lines += self.header
        for block, axis in zip(self.blocks, "xyz"):
            lines.append(f"  {block.name} = gpu.block_id {axis}")
        return "\n".join(lines + self.lines + ["}"])


class Program:
    """A module with some kernels, perhaps functions, and a host function."""

    def __init__(self, seed, with_functions=True):
        rng = self.rng = random.Random(seed)
        # Others than `rng`, so that a program without functions is the same.
        self.functions_rng = random.Random(f"{seed} functions") if with_functions else None
        self.clusters_rng = random.Random(f"{seed} clusters")
        kernels, shared = [], []
        for number in range(rng.choice([1, 1, 1, 1, 2, 2, 3])):
            grid = tuple(rng.choice([1, 1, 2, 3]) for _ in range(rng.choice([1, 1, 2, 2, 3])))
            if rng.random() < 0.03:
                grid = grid[:-1] + (0,)
            grid, cluster = self.choose_cluster(grid)
            kernel = Kernel(rng, f"k{number}", grid, shared)
            kernel.write()
            if cluster:
                kernel.attributes["tile.cluster"] = cluster
            # What later launches read is what this one wrote.
            shared += [b for b in kernel.outputs if b.access == "inout" and b.exact and b.bound < 2**22]
            kernels.append(kernel)
        self.kernels = kernels
        self.buffers = list({b.name: b for k in kernels for b in k.inputs + k.outputs}.values())
        self.sizes = {}
        self.source = self.text()

    def text(self):
        rng = self.rng
        parameters = []
        for buffer in self.buffers:
            names = []
            for extent, dynamic in zip(buffer.shape, buffer.dynamic):
                if dynamic:
                    name = f"S{extent}"
                    self.sizes[name] = extent
                    names.append(f"%{name}")
            access = f"{buffer.access} " if buffer.access else ""
            bound = f"[{', '.join(names)}]" if names else ""
            parameters.append(f"{access}%{buffer.name}: {buffer.type}{bound}")
        body, launches = [], []
        for number, kernel in enumerate(self.kernels):
            grid = []
            for axis, extent in enumerate(kernel.grid):
                name = f"%g{number}_{axis}"
                if rng.random() < 0.5:
                    self.sizes[f"G{extent}"] = extent
                    name = f"%G{extent}"
                else:
                    body.append(f"  {name} = arith.constant {extent} : index")
                grid.append(name)
            arguments = [(f"%{b.name}", b.view) for b in kernel.inputs + kernel.outputs]
            for scalar in kernel.arguments:
                name = f"%{kernel.name}_{scalar.name}"
                value = f"{float(scalar.bound)}" if is_float(scalar.elem) else scalar.bound
                body.append(f"  {name} = arith.constant {value} : {scalar.elem}")
                arguments.append((name, scalar.elem))
            for buffer in kernel.inputs + kernel.outputs:
                arguments = [(n, buffer.type if n == f"%{buffer.name}" else t) for n, t in arguments]
            launches.append(f"  tile.launch @{kernel.name} grid({', '.join(grid)}) args({', '.join(n for n, _ in arguments)})"
                            f" : {', '.join(t for _, t in arguments)}")
        body += launches
        # Once more, perhaps with others between, where what the first launch left can be read.
        if all(b.exact and b.room is None for k in self.kernels for b in k.outputs if b.access == "inout"):
            body += rng.sample(launches, rng.choice([0, 0, 0, 1, len(launches)]))
        sizes = f"[{', '.join('%' + s for s in self.sizes)}]" if self.sizes else "[]"
        head = f"tile.host @main{sizes}({', '.join(parameters)}) {{"
        kernels = [self.kernel_text(kernel) for kernel in self.kernels]
        return "\n\n".join(kernels) + "\n\n" + "\n".join([head] + body + ["}"]) + "\n"

    def choose_cluster(self, grid):
        """A grid that clusters mostly divide, and their extents; or the same grid, and None."""
        rng = self.clusters_rng
        if rng.random() >= 1 / 3:
            return grid, None
        axis = rng.randrange(len(grid))
        extents = [1] * len(grid)
        extents[axis] = rng.choice([2, 2, 2, 4, 4, 8])
        if rng.random() < 0.8:
            grid = tuple(extents[axis] * rng.choice([1, 1, 2]) if i == axis else n for i, n in enumerate(grid))
        return grid, extents

    def kernel_text(self, kernel):
        if self.functions_rng and self.functions_rng.random() < 0.4:
            return fuzz_functions.move_parts(kernel.text(), self.functions_rng)
        return kernel.text()
