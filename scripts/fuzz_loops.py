"""Loops of products for scripts/fuzz_programs.py: their bounds, what they carry, their masks."""

from fuzz_values import Index, Tile, tensor

# What the reference computes in a moment.
AFFORDABLE = 6_000_000


class Loops:
    """Writes loops over blocks of `block` of something, in which `body` writes what each does."""

    def __init__(self, kernel):
        self.kernel, self.rng = kernel, kernel.rng
        self.trips = self.rng.choice([0, 1, 2, 3, 3, 4, 5, 7])
        self.loops = self.rng.choice([1, 1, 1, 2])
        self.outer = self.rng.choice([None, None, None, 0, 1, 2, 3])
        # The extent that a loop's index counts, and the rows of a block of the grid.
        self.block = self.rows = 0

    def carried(self, name, init):
        """What a loop makes of a tile that it carries."""
        return Tile(name, init.shape, init.elem, max(init.bound, 1e4), False)

    # Operations whose results depend on rounding

    def mark(self, tile):
        """A value that depends on rounding: nothing may be decided by it."""
        if tile in self.kernel.pool:
            self.kernel.pool.remove(tile)
        return tile

    def inexact(self, text, shape, elem, bound):
        return self.mark(self.kernel.op(text, shape, elem, bound, False))

    def splat(self, value, shape):
        return self.inexact(f"arith.constant dense<{value:.8f}> : {tensor(shape, 'f32')}", shape, "f32", abs(value))

    def binary(self, name, a, b, bound=None):
        bound = max(a.bound, b.bound) if bound is None else bound
        return self.inexact(f"arith.{name} {a.name}, {b.name} : {a.type}", a.shape, a.elem, bound)

    def unary(self, name, a, bound):
        return self.inexact(f"{name} {a.name} : {a.type}", a.shape, a.elem, bound)

    def broadcast(self, x, shape, axis):
        return self.inexact(f"tile.broadcast {x.name} axes [{axis}] : {x.type} -> {tensor(shape, x.elem)}", shape,
                            x.elem, x.bound)

    def reduce(self, kind, x, init, axis):
        bound = x.bound * x.shape[axis] + init.bound if kind == "add" else max(x.bound, init.bound)
        return self.inexact(f"tile.reduce {kind} {x.name}, {init.name} axis {axis} : {x.type} -> {init.type}",
                            init.shape, "f32", bound)

    def bounded(self, x, bound):
        if x.bound <= bound:
            return x
        low, high = self.splat(-float(bound), x.shape), self.splat(float(bound), x.shape)
        x = self.binary("maximumf", x, low, x.bound)
        return self.binary("minimumf", x, high, bound)

    def positions(self, shape, axis, base):
        """Rows or columns as i32, from where the tile begins."""
        kernel, rng = self.kernel, self.rng
        text = f"tile.iota axis {axis} : {tensor(shape, 'i32')}"
        iota = kernel.op(text, shape, "i32", shape[axis])
        if base is None:
            return iota
        scalar, tile = kernel.fresh("i"), None
        kernel.emit(f"{scalar} = arith.index_cast {base.name} : index to i32")
        tile = kernel.op(f"tensor.splat {scalar} : {tensor(shape, 'i32')}", shape, "i32", 2**20)
        return kernel.op(f"arith.addi {iota.name}, {tile.name} : {iota.type}", shape, "i32", 2**20)

    def predicate(self, shape, position):
        """Which elements of a tile count: by rows and columns, as masks say it."""
        kernel, rng = self.kernel, self.rng
        first = kernel.scaled(rng.choice(kernel.blocks), rng.choice([1, shape[0], shape[0]]))
        rows = self.positions(shape, 0, rng.choice([None, first, first]))
        columns = self.positions(shape, 1, position if rng.random() < 0.8 else None)
        limit = kernel.constant(shape, "i32", rng.choice([0, 1, 7, 16, 63, 64, 65, 200]))

        def one():
            name = rng.choice(["sle", "slt", "sge", "sgt", "ult"])
            kind = rng.choice(["causal", "limit", "window", "document", "or", "bits"])
            if kind == "bits":
                return self.bits(columns)
            if kind == "causal":
                left, right = columns, rows
            elif kind == "limit":
                left, right = columns, limit
            elif kind == "window":
                left = kernel.op(f"arith.subi {rows.name}, {columns.name} : {rows.type}", shape, "i32", 2**20)
                right = limit
            elif kind == "document":
                span = kernel.constant(shape, "i32", rng.choice([8, 13, 64]))
                left, right = (kernel.op(f"arith.divui {x.name}, {span.name} : {x.type}", shape, "i32", 2**20)
                               for x in (rows, columns))
                name = rng.choice(["eq", "sge"])
            else:
                left, right, name = rows, columns, rng.choice(["eq", "ne"])
            return kernel.op(f"arith.cmpi {name}, {left.name}, {right.name} : {left.type}", shape, "i1", 1)

        keep = one()
        for _ in range(rng.choice([0, 0, 1])):
            more = one()
            keep = kernel.op(f"arith.{rng.choice(['andi', 'ori'])} {keep.name}, {more.name} : {keep.type}", shape, "i1", 1)
        return keep

    def bits(self, columns):
        """A mask by the bits of a word for each row."""
        kernel, rng = self.kernel, self.rng
        shape, elem = columns.shape, rng.choice(["i32", "i64"])

        def wide(name, a, b):
            return kernel.op(f"arith.{name} {a.name}, {b.name} : {a.type}", shape, elem, 2**31)

        word = kernel.load(shape[:1], elem)
        word = kernel.op(f"tile.broadcast {word.name} axes [1] : {word.type} -> {tensor(shape, elem)}", shape, elem,
                         word.bound)
        if rng.random() < 0.5:
            factor = kernel.constant(shape, elem, rng.choice([3, 40503, 0x5DEECE6D]))
            word = wide("muli", word, factor)
        modulo = kernel.constant(shape, "i32", rng.choice([31, 31, 7, 15] + [63] * 3 * (elem == "i64")))
        bit = kernel.op(f"arith.andi {columns.name}, {modulo.name} : {columns.type}", shape, "i32", 63)
        if elem == "i64":
            name = rng.choice(["extui", "extsi"])
            bit = kernel.op(f"arith.{name} {bit.name} : {bit.type} to {word.type}", shape, elem, 63)
        one, none = kernel.constant(shape, elem, 1), kernel.constant(shape, elem, 0)
        how = rng.choice(["right", "left", "truncated"])
        if how == "left":
            found = wide("andi", wide("shli", one, bit), word)
        else:
            found = wide(rng.choice(["shrui", "shrui", "shrsi"]), word, bit)
            if how == "truncated":
                return kernel.op(f"arith.trunci {found.name} : {found.type} to {tensor(shape, 'i1')}", shape, "i1", 1)
            found = wide("andi", found, one)
        return kernel.op(f"arith.cmpi {rng.choice(['ne', 'ne', 'eq'])}, {found.name}, {none.name} : {found.type}", shape,
                         "i1", 1)

    def masked(self, x, position, value):
        keep = self.predicate(x.shape, position)
        text = f"arith.constant dense<{value}> : {x.type}"
        other = self.inexact(text, x.shape, "f32", x.bound)
        return self.inexact(f"arith.select {keep.name}, {x.name}, {other.name} : {keep.type}, {x.type}", x.shape, "f32",
                            x.bound)

    def masked_somewhere(self, x, position, value):
        """A mask under a condition that all threads share."""
        kernel, rng = self.kernel, self.rng
        condition, result = kernel.fresh("p"), kernel.fresh("r")
        limit = kernel.index(rng.choice([0, self.block, 2 * self.block, 65]))
        index = rng.choice([position, *kernel.blocks])
        kernel.emit(f"{condition} = arith.cmpi {rng.choice(['slt', 'sge', 'eq'])}, {index.name}, {limit.name} : index")
        kernel.emit(f"{result} = scf.if {condition} -> ({x.type}) {{")
        scope = kernel.enter()
        inner = self.masked(x, position, value)
        kernel.emit(f"scf.yield {inner.name} : {x.type}")
        kernel.leave(scope)
        kernel.emit("} else {")
        scope = kernel.enter()
        kernel.emit(f"scf.yield {x.name} : {x.type}")
        kernel.leave(scope)
        kernel.emit("}")
        return Tile(result, x.shape, "f32", x.bound, False)

    # Loops

    def limits(self, number):
        """The bounds and the step of a loop, and what its index may be."""
        kernel, rng = self.kernel, self.rng
        low, high = number * self.trips * self.block, (number + 1) * self.trips * self.block
        low = kernel.index(low)
        ragged = max(low.low, high - rng.choice([0, 0, 1, self.block // 2]))
        last = kernel.index(ragged)
        roll = rng.random()
        if roll < 0.2:
            last = Index(kernel.scalar(ragged), ragged, ragged)
        elif roll < 0.35:
            last = self.loaded_limit(low, last)
        elif roll < 0.6:
            end = kernel.plus(kernel.scaled(rng.choice(kernel.blocks), self.rows), kernel.index(self.rows))
            name = kernel.fresh("i")
            kernel.emit(f"{name} = arith.minsi {last.name}, {end.name} : index")
            last = Index(name, 0, ragged)
        if rng.random() < 0.2 and number == 0:
            window = kernel.index(rng.choice([0, 16, 64]))
            name, floor, start = (kernel.fresh("i") for _ in range(3))
            begin = kernel.scaled(rng.choice(kernel.blocks), self.rows)
            size, zero = kernel.index(self.block), kernel.index(0)
            kernel.emit(f"{name} = arith.subi {begin.name}, {window.name} : index")
            kernel.emit(f"{floor} = arith.maxsi {name}, {zero.name} : index")
            rounded = kernel.fresh("i")
            kernel.emit(f"{rounded} = arith.divui {floor}, {size.name} : index")
            kernel.emit(f"{start} = arith.muli {rounded}, {size.name} : index")
            low = Index(start, 0, high)
        return low, last, Index("", low.low, max(low.low, high - self.block))

    def loaded_limit(self, low, last):
        """A bound of a loop that each block loads, in blocks or elements; it may be below the other bound."""
        kernel, rng = self.kernel, self.rng
        elem = rng.choice(["i32", "i32", "i64"])
        buffer = kernel.add_input((max(kernel.blocks[0].high + 1, rng.randint(1, 4)),), elem, 7)
        at = rng.choice([kernel.blocks[0], kernel.index(0)])
        loaded, count, end, name = (kernel.fresh("i") for _ in range(4))
        kernel.emit(f"{loaded} = memref.load %{buffer.name}[{at.name}] : {buffer.view}")
        kernel.emit(f"{count} = arith.index_cast {loaded} : {elem} to index")
        count = kernel.scaled(Index(count, -7, 7), rng.choice([self.block, self.block, self.block // 2]))
        kernel.emit(f"{end} = arith.addi {count.name}, {low.name} : index")
        kernel.emit(f"{name} = arith.minsi {end}, {last.name} : index")
        return Index(name, min(0, low.low - 7 * self.block), last.high)

    def get_carried(self, state):
        """What a loop carries, in order."""
        keys = [("acc", n) for n in sorted(state["acc"])]
        keys += [(key, None) for key in ("max", "sum") if key in state]
        return keys, [state["acc"][n] if key == "acc" else state[key] for key, n in keys]

    def replace(self, state, keys, tiles):
        state = {**state, "acc": dict(state["acc"])}
        state.pop("alpha", None)
        for (key, n), tile in zip(keys, tiles):
            if key == "acc":
                state["acc"][n] = tile
            else:
                state[key] = tile
        return state

    def loop(self, low, high, step, span, state, body, attribute=""):
        """Emits a loop; `body(index, state)` emits what is in it. Returns the state after it."""
        kernel = self.kernel
        keys, tiles = self.get_carried(state)
        index = Index(kernel.fresh("i"), span.low, span.high)
        names = [kernel.fresh("a") for _ in tiles]
        result = kernel.fresh("r")
        header = f"scf.for {index.name} = {low} to {high} step {step}"
        if tiles:
            pairs = ", ".join(f"{a} = {t.name}" for a, t in zip(names, tiles))
            header = (f"{result}{f':{len(tiles)}' if len(tiles) > 1 else ''} = {header} iter_args({pairs}) -> "
                      f"({', '.join(t.type for t in tiles)})")
        kernel.emit(header + " {")
        scope = kernel.enter()
        kernel.indices.append(index)
        inner = [self.carried(n, t) for n, t in zip(names, tiles)]
        inside = self.replace(state, keys, inner)
        body(index, inside)
        _, after = self.get_carried(inside)
        if after:
            kernel.emit(f"scf.yield {', '.join(t.name for t in after)} : {', '.join(t.type for t in after)}")
        kernel.leave(scope)
        kernel.emit("}" + attribute)
        outs = [self.carried(f"{result}#{i}" if len(tiles) > 1 else result, t) for i, t in enumerate(tiles)]
        return self.replace(state, keys, outs)

    def loops_over_blocks(self, state):
        kernel, rng = self.kernel, self.rng
        for number in range(self.loops):
            low, high, span = self.limits(number)
            stages = f" {{tile.stages = {rng.randint(2, 4)} : i64}}" if rng.random() < 0.2 else ""
            repeats = kernel.repeats
            kernel.repeats *= max(1, self.trips)
            state = self.loop(low.name, high.name, kernel.index(self.block).name, span, state, self.body, stages)
            kernel.repeats = repeats
        return state

    def nest(self, state):
        """Emits the loops, perhaps within another. Returns the state after them."""
        kernel = self.kernel
        if self.outer is None:
            return self.loops_over_blocks(state)
        last = kernel.index(self.outer).name
        if self.rng.random() < 0.5:
            last = kernel.scalar(self.outer)

        def body(index, inside):
            inside.update(self.loops_over_blocks(dict(inside)))

        repeats = kernel.repeats
        kernel.repeats *= max(1, self.outer)
        span = Index("", 0, max(self.outer - 1, 0))
        state = self.loop(kernel.index(0).name, last, kernel.index(1).name, span, state, body)
        kernel.repeats = repeats
        return state
