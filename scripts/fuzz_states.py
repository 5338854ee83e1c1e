"""Loops that carry states which products read and add to, for scripts/fuzz_programs.py.

A state is a matrix, as linear recurrences have it: what a chunk of tokens sees
of it is a product, and so is what the chunk adds to it. All numbers are small
integers, so that nothing is rounded, in whatever order and way sums are taken.
"""

import dataclasses

from fuzz_chains import is_legal
from fuzz_loops import AFFORDABLE, Loops
from fuzz_values import BITS, EXACT, Tile, tensor

# How far a state may move away from zero in all rounds, and in each.
FARTHEST, STEP = 2**20, 2**15


class States(Loops):
    """Writes loops whose states are multiplied, rescaled and added to."""

    def __init__(self, kernel):
        super().__init__(kernel)
        rng = self.rng
        self.block = self.rows = rng.choice([64, 64, 64, 128, 32])
        self.extents = [self.block, 64, rng.choice([16, 32, 64, 64, 96, 128])]
        self.elem = rng.choice(["bf16", "bf16", "f16", "f16", "f8E4M3FN", "f8E5M2", "f32", "f32"])
        self.rounds = max(self.trips, 1) * self.loops * max(self.outer or 1, 1) * kernel.repeats
        self.left = AFFORDABLE
        # What this round has: tiles, and numbers for each row or column.
        self.tiles, self.narrow, self.position = [], {}, None

    def carried(self, name, init):
        return Tile(name, init.shape, init.elem, FARTHEST)

    # Operations

    def inexact(self, text, shape, elem, bound):
        return self.op(text, shape, elem, bound)

    def op(self, text, shape, elem, bound):
        return self.kernel.op(text, shape, elem, bound)

    def value(self, value, like):
        return self.kernel.constant(like.shape, like.elem, value)

    def exact(self, name, a, b, bound):
        return self.op(f"arith.{name} {a.name}, {b.name} : {a.type}", a.shape, a.elem, bound)

    def cast(self, x, elem):
        """A tile with small numbers, as another type."""
        if x.elem == elem:
            return x
        name = "truncf" if BITS[elem] < BITS[x.elem] else "extf"
        if BITS[elem] == BITS[x.elem]:
            return self.cast(self.cast(x, "f32"), elem)
        return self.op(f"arith.{name} {x.name} : {x.type} to {tensor(x.shape, elem)}", x.shape, elem, x.bound)

    def widened(self, x):
        return self.cast(x, "f32")

    def narrowed(self, x, elem):
        """A tile as operand; one that several products take is mostly the same."""
        key = (x.name, elem)
        if key not in self.narrow or self.rng.random() < 0.1:
            # A product may take what it adds to as it is.
            self.narrow[key] = self.cast(self.kernel.clamp(x, 64 if elem == "f32" else 4), elem)
        return self.narrow[key]

    # What there is to compute with

    def pick(self, shape, among=None):
        """A tile of a shape, mostly a late one, or one that is loaded."""
        rng = self.rng
        known = [t for t in (self.tiles if among is None else among) if t.shape == tuple(shape)]
        if known and rng.random() < 0.8:
            return known[-1] if rng.random() < 0.5 else rng.choice(known)
        return self.load(shape, rng.choice([self.elem, self.elem, "f32"]))

    def load(self, shape, elem):
        """A tile that moves with the loop's index along an extent of the loop's block, if there is one."""
        kernel, rng = self.kernel, self.rng
        axes = [i for i, extent in enumerate(shape) if extent == self.block]
        if not axes or rng.random() < 0.15:
            tile = kernel.load(shape, elem)
        else:
            axis = rng.choice(axes)
            extents = list(shape)
            extents[axis] = max(1, self.trips * self.loops * self.block - rng.choice([0, 0, 0, 1, 8, self.block // 2]))
            fitting = [b for b in kernel.inputs if b.elem == elem and b.shape == tuple(extents)]
            if fitting and rng.random() < 0.3:
                buffer = rng.choice(fitting)
            else:
                buffer = kernel.add_input(extents, elem, rng.choice([1, 2, 3]))
            tile = kernel.load_at(buffer, [self.position if i == axis else kernel.index(0) for i in range(len(shape))],
                                  shape)
        self.tiles.append(tile)
        return tile

    def numbers(self, extent):
        """One small number for each row or column."""
        x = self.kernel.clamp(self.widened(self.pick((extent,))), 2)
        return self.kernel.scan(x, 0) if self.rng.random() < 0.2 else x

    # What a round does

    def multiply(self, shape, acc=None, operand=None):
        """A product of a shape, of `operand` if it has one; None if there is no such product."""
        rng = self.rng
        m, n = shape
        elem = rng.choice([self.elem, self.elem, self.elem, "bf16", "f16"])
        choices = []
        for k in set(self.extents + list(operand.shape if operand else [])):
            for transpose_a in (False, True):
                for transpose_b in (False, True):
                    a, b = (k, m) if transpose_a else (m, k), (n, k) if transpose_b else (k, n)
                    fits = operand is None or operand.shape in (a, b)
                    if fits and is_legal(elem, m, n, k, transpose_a, transpose_b) and m * n * k * self.rounds <= self.left:
                        choices.append((k, transpose_a, transpose_b, a, b))
        if not choices:
            return None
        k, transpose_a, transpose_b, shape_a, shape_b = rng.choice(choices)
        self.left -= m * n * k * self.rounds
        if operand is not None and operand.shape == shape_a and (operand.shape != shape_b or rng.random() < 0.6):
            a, b = operand, self.pick(shape_b)
        elif operand is not None:
            a, b = self.pick(shape_a), operand
        else:
            a, b = self.pick(shape_a), self.pick(shape_b)
        a, b = self.narrowed(a, elem), self.narrowed(b, elem)
        if acc is None:
            acc = self.kernel.constant(shape, "f32", 0)
        text = f"tile.dot {a.name}, {b.name}, {acc.name}"
        text += " transpose_a" * transpose_a + " transpose_b" * transpose_b + " precision tf32" * (elem == "f32")
        self.kernel.dots += 1
        result = self.op(f"{text} : {a.type}, {b.type} -> {acc.type}", shape, "f32", acc.bound + k * a.bound * b.bound)
        self.tiles.append(result)
        return result

    def rescale(self, x):
        """What becomes of a state before something is added to it, with other readers or without."""
        rng = self.rng
        for _ in range(rng.choice([1, 1, 2])):
            how = rng.choice(["row", "row", "column", "clamp", "scale", "mask", "element"])
            if how != "clamp" and x.bound > 64:
                x = self.kernel.clamp(x, 8)
            if how == "clamp":
                x = self.kernel.clamp(x, rng.choice([4, 8]))
            elif how == "scale":
                x = self.exact("mulf", x, self.value(rng.choice([-1, 2, 0]), x), 2 * x.bound)
            elif how == "mask":
                x = self.masked(x, self.position, 0.0)
            elif how == "element":
                y = self.kernel.clamp(self.widened(self.pick(x.shape)), 2)
                x = self.exact(rng.choice(["mulf", "addf", "subf"]), x, y, 2 * x.bound + 2)
            else:
                axis = 1 if how == "row" else 0
                factors = self.broadcast(self.numbers(x.shape[1 - axis]), x.shape, axis)
                factors = self.kernel.clamp(factors, 2)
                x = self.exact("mulf", x, factors, 2 * x.bound)
        if rng.random() < 0.4:
            self.tiles.append(x)
        return x

    def change(self, x):
        """A tile made of another one, without products."""
        kernel, rng = self.kernel, self.rng
        how = rng.choice(["mask", "mask", "if", "reduce", "scan", "inverse", "pairs", "pairs", "transpose", "add", "row",
                          "relu"])
        x = self.widened(x)
        if x.bound > 2**18:
            x = kernel.clamp(x, 64)
        if how == "inverse" and x.shape[0] == x.shape[1] <= 128:
            return self.inverse(x)
        if how == "mask":
            return self.masked(x, self.position, 0.0)
        if how == "if":
            return dataclasses.replace(self.masked_somewhere(x, self.position, 0.0), exact=True)
        if how == "reduce":
            axis = rng.randrange(2)
            init = kernel.constant((x.shape[1 - axis],), "f32", 0)
            x = kernel.clamp(x, 2**14)
            result = self.op(f"tile.reduce {rng.choice(['add', 'max', 'min'])} {x.name}, {init.name} axis {axis} : "
                             f"{x.type} -> {init.type}", init.shape, "f32", x.bound * x.shape[axis])
            return kernel.clamp(result, 2)
        if how == "scan":
            return kernel.scan(kernel.clamp(x, 16), rng.randrange(2))
        if how == "transpose":
            shape = x.shape[::-1]
            return self.op(f"tile.transpose {x.name} [1, 0] : {x.type} -> {tensor(shape, 'f32')}", shape, "f32", x.bound)
        if how == "add":
            return self.exact(rng.choice(["addf", "subf", "maximumf"]), x, kernel.clamp(self.widened(self.pick(x.shape)), 64),
                              x.bound + 64)
        if how == "relu":
            return self.exact("maximumf", x, self.value(0, x), x.bound)
        if how == "row":
            axis = rng.randrange(2)
            y = kernel.clamp(self.broadcast(self.numbers(x.shape[1 - axis]), x.shape, axis), 2)
            return self.exact(rng.choice(["addf", "mulf", "minimumf"]), x, y, 2 * x.bound + 2)
        return self.in_pairs(x)

    def inverse(self, x):
        """The inverse of a triangle that has numbers next to its diagonal only: as small as those."""
        kernel, rng = self.kernel, self.rng
        x = kernel.clamp(x, 1)
        rows, columns = self.positions(x.shape, 0, None), self.positions(x.shape, 1, None)
        away = self.op(f"arith.subi {rows.name}, {columns.name} : {rows.type}", x.shape, "i32", x.shape[0])
        one = kernel.constant(x.shape, "i32", 1)
        keep = self.op(f"arith.cmpi eq, {away.name}, {one.name} : {away.type}", x.shape, "i1", 1)
        zero = self.value(0, x)
        x = self.op(f"arith.select {keep.name}, {x.name}, {zero.name} : {keep.type}, {x.type}", x.shape, "f32", 1)
        return self.op(f"tile.tri_inverse {x.name} precision {rng.choice(['ieee', 'tf32', 'f16'])} : {x.type}", x.shape,
                       "f32", 1)

    def in_pairs(self, x):
        """Some arithmetic on 16-bit floats."""
        kernel, rng = self.kernel, self.rng
        elem = rng.choice(["bf16", "f16"])
        x = self.cast(kernel.clamp(x, 8), elem)
        for _ in range(rng.randint(2, 6)):
            how = rng.choice(["addf", "subf", "mulf", "maximumf", "minimumf", "maxnumf", "minnumf", "negf", "absf", "fma",
                              "select", "power", "scan"])
            if how in ("negf", "absf"):
                x = self.op(f"{'arith' if how == 'negf' else 'math'}.{how} {x.name} : {x.type}", x.shape, elem, x.bound)
                continue
            if how == "power":
                x = self.exact("mulf", kernel.clamp(x, 16), self.value(rng.choice([2, 4, -2]), x), 64)
                continue
            if how == "scan":
                x = kernel.scan(kernel.clamp(x, 4), rng.randrange(len(x.shape)))
                continue
            y = self.cast(kernel.clamp(self.pick(x.shape), 8), elem)
            if how in ("mulf", "fma"):
                x, y = kernel.clamp(x, 8), kernel.clamp(y, 8)
            x = kernel.clamp(x, EXACT[elem] // 4)
            if how == "fma":
                z = self.cast(kernel.clamp(self.pick(x.shape), 8), elem)
                x = self.op(f"math.fma {x.name}, {y.name}, {z.name} : {x.type}", x.shape, elem, 72)
            elif how == "select":
                order = rng.choice(["olt", "oge", "une"])
                keep = self.op(f"arith.cmpf {order}, {x.name}, {y.name} : {x.type}", x.shape, "i1", 1)
                x = self.op(f"arith.select {keep.name}, {x.name}, {y.name} : {keep.type}, {x.type}", x.shape, elem,
                            max(x.bound, y.bound))
            else:
                bound = x.bound * y.bound if how == "mulf" else x.bound + y.bound
                x = self.exact(how, x, y, bound)
        return x

    def update(self, state):
        """What becomes of a state: a product that adds to it, which may multiply by it as well."""
        rng = self.rng
        acc = self.rescale(state) if rng.random() < 0.7 else state
        if rng.random() < 0.2:
            acc = self.widened(self.pick(state.shape))
        acc = self.kernel.clamp(acc, FARTHEST)
        operand = None
        if rng.random() < 0.35:
            operand = rng.choice([acc, state])
            if rng.random() < 0.3:
                operand = self.change(operand)
                operand = operand if len(operand.shape) == 2 else None
        result = self.multiply(state.shape, acc, operand)
        if result is None and operand is not None:
            result = self.multiply(state.shape, acc)
        return acc if result is None else result

    def store_part(self, x):
        """Stores a tile of this round where each round has a part of its own, or each the same."""
        kernel, rng = self.kernel, self.rng
        if rng.random() < 0.3:
            elem = rng.choice(["bf16", "f16"])
            x = self.cast(kernel.clamp(x, EXACT[elem]), elem)
        if x.shape[0] != self.block or rng.random() < 0.2:
            kernel.store_tile(x)
            return
        rows = max(1, self.trips * self.loops) * self.block
        whole = Tile(x.name, (rows,) + x.shape[1:], x.elem, x.bound)
        buffer = kernel.new_output(whole, "out")
        outer = (1,) * (len(buffer.shape) - len(whole.shape))
        offsets = kernel.owned_offsets(buffer, outer + whole.shape)
        offsets[len(outer)] = kernel.plus(offsets[len(outer)], self.position)
        kernel.emit_store(x, buffer, offsets)

    def see(self, state):
        """Masked scores, which need no state, and what they say of each of a state's rows, for updates."""
        rng = self.rng
        x = self.multiply(rng.choice([state.shape, (state.shape[0], self.block)]))
        if x is None:
            return
        x = self.masked(x, self.position, 0.0)
        self.tiles.append(x)
        init = self.kernel.constant(x.shape[:1], "f32", 0)
        numbers = self.op(f"tile.reduce {rng.choice(['add', 'max'])} {x.name}, {init.name} axis 1 : {x.type} -> "
                          f"{init.type}", init.shape, "f32", x.bound * x.shape[1])
        self.tiles.append(self.kernel.clamp(numbers, 2))

    def body(self, position, state):
        rng = self.rng
        kept = self.tiles, self.narrow
        states = [state["acc"][n] for n in sorted(state["acc"])]
        self.tiles, self.narrow, self.position = list(kept[0]), {}, position
        # Rounds that only the states lead through, or any.
        few = rng.random() < 0.4
        if rng.random() < (0.9 if few else 0.2):
            self.see(states[0])
        if not few:
            self.tiles += states
        updates = rng.sample(sorted(state["acc"]), len(states))
        after = {}
        for _ in range(0 if few else rng.randint(len(updates), len(updates) + 5)):
            if updates and rng.random() < 0.4:
                number = updates.pop()
                after[number] = self.update(state["acc"][number])
                continue
            matrices = [t for t in self.tiles if len(t.shape) == 2]
            if matrices and rng.random() < 0.5:
                self.tiles.append(self.change(rng.choice(matrices[-3:] + states)))
            else:
                self.multiply((rng.choice(self.extents), rng.choice(self.extents)),
                              operand=rng.choice(matrices[-4:]) if matrices and rng.random() < 0.5 else None)
            if rng.random() < 0.25 and self.tiles:
                self.store_part(rng.choice(self.tiles[-3:]))
        for number in updates:
            after[number] = self.update(state["acc"][number])
        if len(after) > 1 and after[0].shape == after[1].shape and rng.random() < 0.1:
            after[0], after[1] = after[1], after[0]
        for number, tile in after.items():
            old = state["acc"][number]
            if tile.bound > FARTHEST + STEP or rng.random() < 0.2:
                tile = self.kernel.clamp(tile, rng.choice([4, 64, FARTHEST]))
            state["acc"][number] = tile if tile.shape == old.shape else old
        self.tiles, self.narrow = kept

    def write(self):
        """Writes the loops and stores the states; false if there is no product that is cheap enough."""
        kernel, rng = self.kernel, self.rng
        if 64**3 * self.rounds * 2 > AFFORDABLE:
            return False
        kernel.budget += 12
        state = {"acc": {}}
        for number in range(rng.choice([1, 1, 2, 3])):
            shape = (rng.choice([e for e in self.extents if e % 64 == 0]), rng.choice(self.extents))
            init = kernel.load(shape, "f32") if rng.random() < 0.4 else kernel.constant(shape, "f32", 0)
            state["acc"][number] = kernel.clamp(init, 8)
        for _ in range(rng.choice([0, 0, 1, 2])):
            shape = (rng.choice(self.extents), rng.choice(self.extents))
            self.tiles.append(kernel.load(shape, self.elem))
        state = self.nest(state)
        for tile in state["acc"].values():
            kernel.store_tile(tile)
        return True
