"""Loops of chained products for scripts/fuzz_programs.py.

Each product takes what the one before gave, as attention does: scores, their
masks and exponentials, weights, sums that are carried from block to block.
Which operand it is, of which type, and what happens between is random.
"""

import dataclasses

from fuzz_loops import AFFORDABLE, Loops
from fuzz_values import BITS, EXACT, NARROW, tensor

# The greatest number that is worth keeping in each type that products take.
GREATEST = {"f16": 2000.0, "f8E4M3FN": 240.0, "f8E5M2": 1000.0, "bf16": 1e6, "f32": 1e6}


@dataclasses.dataclass
class Link:
    """A product: which operand the tile before it is, and the extents."""

    side: str
    elem: str
    m: int
    n: int
    k: int
    transpose_a: bool
    transpose_b: bool
    # The axis of the other operand along which the loop moves, or None.
    moving: int | None
    # What happens to the tile before it is an operand.
    steps: list
    carried: bool
    buffer: object = None
    resident: object = None

    @property
    def other(self):
        """The shape of the operand that is loaded."""
        if self.side in ("b", "bt"):
            return (self.k, self.m) if self.transpose_a else (self.m, self.k)
        return (self.n, self.k) if self.transpose_b else (self.k, self.n)


def is_legal(elem, m, n, k, transpose_a, transpose_b):
    """Whether the tensor cores have such a product."""
    if m % 64 or n % 8 or n > 256 or k % (256 // BITS[elem]):
        return False
    if BITS[elem] != 16 and (transpose_a or not transpose_b):
        return False
    if elem == "i8" and n > 24 and n % 16:
        return False
    return transpose_b or n % 16 == 0


class Chain(Loops):
    """Writes loops of chained products, and stores what they carry."""

    def __init__(self, kernel):
        super().__init__(kernel)
        self.softmax = self.rng.random() < 0.5
        # The first operand, if it is the same in all rounds.
        self.links, self.q = [], None

    # What is decided before anything is written

    def plan(self):
        """Chooses the products; false if none is cheap enough."""
        for _ in range(20):
            if self.try_plan():
                return True
        return False

    def try_plan(self):
        rng = self.rng
        self.block = rng.choice([16, 32, 32, 48, 64, 64, 80, 96, 128])
        elem = rng.choice(["bf16"] * 4 + ["f16"] * 3 + ["f8E4M3FN", "f8E5M2", "f32", "i8"])
        m, k = rng.choice([64, 64, 64, 128, 128, 192, 256]), rng.choice([16, 32, 64, 64, 96, 128])
        self.rows, self.first_elem = m, elem
        transpose_a = BITS[elem] == 16 and rng.random() < 0.15
        transpose_b = BITS[elem] != 16 or rng.random() < 0.6
        first = Link("a", elem, m, self.block, k, transpose_a, transpose_b, 0 if transpose_b else 1, [], False)
        if not is_legal(elem, m, self.block, k, transpose_a, transpose_b):
            return False
        self.links = [first]
        shape, keys = (m, self.block), 1
        for number in range(rng.choice([1, 1, 1, 2, 2, 0])):
            link = self.choose_link(shape, keys)
            if link is None:
                return False
            self.links.append(link)
            # Which axis of the result is the loop's block.
            keys = {"a": {0: 0}, "at": {1: 0}, "b": {1: 1}, "bt": {0: 1}}[link.side].get(keys)
            shape = (link.m, link.n)
        self.links[-1].carried = rng.random() < 0.9
        work = sum(l.m * l.n * l.k for l in self.links) * max(self.trips, 1) * self.loops
        work *= max(self.outer or 1, 1) * self.kernel.repeats
        return work <= AFFORDABLE and all(l.m * l.n <= 32768 for l in self.links)

    def choose_link(self, shape, keys):
        """A product that takes a tile of `shape`, whose axis `keys` is the loop's block, if any."""
        rng = self.rng
        p, q = shape
        side = rng.choice(["a"] * 6 + ["at", "b", "bt"])
        elem = rng.choice(["bf16"] * 5 + ["f16"] * 4 + ["f8E4M3FN", "f8E5M2", "f32"])
        if self.links[-1].elem == "i8" and rng.random() < 0.5:
            elem = "i8"
        width = rng.choice([8, 16, 32, 64, 64, 96, 128, 128, 256])
        height = rng.choice([64, 64, 128])
        transpose_a, transpose_b = side == "at", BITS[elem] != 16 or rng.random() < 0.3
        if side in ("a", "at"):
            m, k = (p, q) if side == "a" else (q, p)
            n = width
            inner = 1 if side == "a" else 0
            moving = None if keys is None or keys != inner else (1 if transpose_b else 0)
        else:
            transpose_a, transpose_b = BITS[elem] == 16 and rng.random() < 0.3, side == "bt"
            k, n = (p, q) if side == "b" else (q, p)
            m = height
            inner = 0 if side == "b" else 1
            moving = None if keys is None or keys != inner else (0 if transpose_a else 1)
        if not is_legal(elem, m, n, k, transpose_a, transpose_b):
            return None
        steps = rng.sample(["scale", "bias", "cap", "mask", "relu", "row", "column", "norm", "float", "if"],
                           rng.choice([0, 1, 1, 2, 3]))
        if self.softmax and side == "a" and len(self.links) == 1:
            steps.append("softmax")
        elif rng.random() < 0.3:
            steps.append("exp")
        return Link(side, elem, m, n, k, transpose_a, transpose_b, moving, steps, rng.random() < 0.5)

    # Loads

    def load_moving(self, link, position):
        """A tile of a view along which the loop moves."""
        kernel, rng = self.kernel, self.rng
        shape, axis = link.other, link.moving
        if link.buffer is None:
            extents = [e + rng.choice([0, 0, 0, 8, -1]) for e in shape]
            extents[axis] = max(1, self.trips * self.loops * self.block - rng.choice([0, 0, 1, self.block // 2, 8]))
            outer = [rng.randint(1, 2) for _ in range(rng.choice([0, 0, 1, 2]))]
            bound = min(EXACT.get(link.elem, 127), rng.choice([1, 2, 3]))
            link.buffer = kernel.add_input(outer + [max(1, e) for e in extents], link.elem, bound)
        buffer = link.buffer
        offsets = []
        for extent in buffer.shape[:-2]:
            inside = [b for b in kernel.blocks if b.high < extent]
            offsets.append(rng.choice(inside) if inside and rng.random() < 0.5 else kernel.index(0))
        offsets += [position if i == axis else kernel.index(0) for i in range(2)]
        return kernel.load_at(buffer, offsets, shape)

    def load_other(self, link, position):
        if link.moving is not None:
            return self.load_moving(link, position)
        if link.resident is not None:
            return link.resident
        return self.kernel.load(link.other, link.elem)

    # What happens between products

    def widened(self, x):
        """An operand's accumulator as f32."""
        if x.elem == "i32":
            return self.inexact(f"arith.sitofp {x.name} : {x.type} to {tensor(x.shape, 'f32')}", x.shape, "f32", x.bound)
        return x

    def apply(self, step, x, position, state):
        """One step on a tile of f32."""
        kernel, rng = self.kernel, self.rng
        if step == "scale":
            factor = rng.choice([0.5, 0.25, 0.125, 0.1275])
            return self.binary("mulf", x, self.splat(factor, x.shape), x.bound)
        if step == "bias":
            elem = rng.choice(["f32", "bf16", "f16"])
            b = kernel.load(x.shape, elem)
            if elem != "f32":
                b = self.inexact(f"arith.extf {b.name} : {b.type} to {x.type}", x.shape, "f32", b.bound)
            return self.binary(rng.choice(["addf", "subf"]), x, b, x.bound + b.bound)
        if step == "cap":
            x = self.binary("mulf", x, self.splat(0.125, x.shape), x.bound)
            x = self.unary("math.tanh", x, 1)
            return self.binary("mulf", x, self.splat(8.0, x.shape), 8)
        if step == "mask":
            return self.masked(x, position, 0.0)
        if step == "if":
            return self.masked_somewhere(x, position, 0.0)
        if step == "relu":
            return self.binary("maximumf", x, self.splat(0.0, x.shape), x.bound)
        if step in ("row", "column"):
            axis = 1 if step == "row" else 0
            r = kernel.load((x.shape[1 - axis],), "f32")
            return self.binary(rng.choice(["addf", "mulf"]), x, self.broadcast(r, x.shape, axis), x.bound * 8)
        if step == "norm":
            axis = rng.choice([1, 1, 0])
            one = self.splat(1.0, (x.shape[1 - axis],))
            total = self.reduce("add", self.unary("math.absf", x, x.bound), one, axis)
            return self.binary("divf", x, self.broadcast(total, x.shape, axis), 1)
        if step == "exp":
            return self.unary(rng.choice(["math.exp2", "math.exp"]), self.bounded(x, 4), 64)
        if step == "float":
            y = kernel.gen_float(x.shape, "f32", 1)
            y = self.bounded(self.mark(y) if not y.exact else y, 64)
            return self.binary(rng.choice(["addf", "maximumf", "minimumf"]), x, y, x.bound + y.bound)
        assert step == "softmax"
        return self.exponentials(x, position, state)

    def exponentials(self, x, position, state):
        """The running maximum and sum of rows, and the exponentials."""
        rng = self.rng
        if rng.random() < 0.6:
            x = self.masked(x, position, rng.choice(["-1.0e30", "0xFF800000"]))
        new_max = self.reduce("max", x, state["max"], 1)
        alpha = self.unary("math.exp2", self.binary("subf", state["max"], new_max), 1)
        p = self.unary("math.exp2", self.binary("subf", x, self.broadcast(new_max, x.shape, 1)), 1)
        scaled = self.binary("mulf", state["sum"], alpha)
        state["sum"] = self.reduce("add", p, scaled, 1)
        state["max"], state["alpha"] = new_max, alpha
        return p

    def narrowed(self, x, elem):
        """A tile of f32 as operand."""
        if elem == "f32":
            return self.bounded(x, GREATEST["f32"])
        if elem == "i8":
            x = self.bounded(x, 100)
            wide = tensor(x.shape, "i32")
            # Numbers that rounding may put on either side would differ.
            x = self.unary("math.roundeven", self.binary("addf", x, self.splat(0.26, x.shape)), 101)
            y = self.inexact(f"arith.fptosi {x.name} : {x.type} to {wide}", x.shape, "i32", 101)
            return self.inexact(f"arith.trunci {y.name} : {wide} to {tensor(x.shape, 'i8')}", x.shape, "i8", 101)
        x = self.bounded(x, GREATEST[elem])
        return self.inexact(f"arith.truncf {x.name} : {x.type} to {tensor(x.shape, elem)}", x.shape, elem, x.bound)

    def product(self, link, x, other, acc):
        a, b = (other, x) if link.side in ("b", "bt") else (x, other)
        text = f"tile.dot {a.name}, {b.name}, {acc.name}"
        text += " transpose_a" * link.transpose_a + " transpose_b" * link.transpose_b
        text += " precision tf32" * (link.elem == "f32")
        return self.inexact(f"{text} : {a.type}, {b.type} -> {acc.type}", acc.shape, acc.elem,
                            min(acc.bound + link.k * a.bound * b.bound, 1e30))

    # Loops

    def zero(self, link):
        elem, text = ("i32", "0") if link.elem == "i8" else ("f32", "0.0")
        shape = (link.m, link.n)
        return self.inexact(f"arith.constant dense<{text}> : {tensor(shape, elem)}", shape, elem, 0)

    def body(self, position, state):
        """One round: every product after the other."""
        rng = self.rng
        x = None
        for number, link in enumerate(self.links):
            if number == 0:
                operand = self.q if self.q is not None else self.kernel.load(self.query_shape(), link.elem)
            else:
                x = self.widened(x)
                # Integers must come of integers, or rounding decides.
                steps = link.steps if link.elem != "i8" else []
                for step in steps:
                    x = self.apply(step, x, position, state)
                operand = self.narrowed(x, link.elem)
            other = self.load_other(link, position)
            acc = state["acc"].get(number)
            if acc is None:
                acc = self.zero(link)
            elif state.get("alpha") is not None and acc.shape[0] == state["alpha"].shape[0] and acc.elem == "f32":
                acc = self.binary("mulf", acc, self.broadcast(state["alpha"], acc.shape, 1))
            x = self.product(link, operand, other, acc)
            if number in state["acc"]:
                state["acc"][number] = x

    def query_shape(self):
        link = self.links[0]
        return (link.k, link.m) if link.transpose_a else (link.m, link.k)

    def write(self):
        """Writes the loops and stores what they carry; false if there is no room for any."""
        kernel, rng = self.kernel, self.rng
        if not self.plan():
            return False
        kernel.dots += len(self.links) * self.loops
        kernel.budget += 12
        if rng.random() < 0.8:
            q = kernel.load(self.query_shape(), self.links[0].elem)
            if q.elem not in NARROW and rng.random() < 0.15:
                q = kernel.gen_float(q.shape, q.elem, 1) if q.elem != "i8" else q
                q = kernel.clamp(q, 7)
            self.q = q
        for link in self.links[1:]:
            if link.moving is None and rng.random() < 0.5:
                link.resident = kernel.load(link.other, link.elem)
        state = {"acc": {n: self.zero(l) for n, l in enumerate(self.links) if l.carried}}
        if any("softmax" in l.steps for l in self.links):
            rows = (self.rows,)
            lowest = self.inexact(f"arith.constant dense<-1.0e30> : {tensor(rows, 'f32')}", rows, "f32", 1e30)
            state["max"], state["sum"] = lowest, self.splat(0.0, rows)
        state = self.nest(state)
        self.store(state)
        return True

    def store(self, state):
        kernel, rng = self.kernel, self.rng
        _, tiles = self.get_carried(state)
        for tile in tiles:
            if len(tile.shape) == 2 and "sum" in state and tile.shape[0] == self.rows and rng.random() < 0.7:
                one = self.splat(1.0, state["sum"].shape)
                total = self.binary("maximumf", state["sum"], one) if rng.random() < 0.5 else state["sum"]
                tile = self.widened(tile)
                tile = self.binary("divf", tile, self.broadcast(total, tile.shape, 1))
            if tile.elem == "f32" and len(tile.shape) == 2 and rng.random() < 0.5:
                elem = rng.choice(["bf16", "f16"])
                tile = self.inexact(f"arith.truncf {self.bounded(tile, GREATEST[elem]).name} : {tile.type} to "
                                    f"{tensor(tile.shape, elem)}", tile.shape, elem, tile.bound)
            kernel.store_tile(tile)
