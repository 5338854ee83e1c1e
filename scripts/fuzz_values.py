"""Values of random tile programs, and what is known of them."""

import dataclasses

# What a float holds exactly: every integer up to this.
EXACT = {"f64": 2**53, "f32": 2**24, "f16": 2**11, "bf16": 2**8, "f8E4M3FN": 16, "f8E5M2": 8}
BITS = {"f64": 64, "f32": 32, "f16": 16, "bf16": 16, "f8E4M3FN": 8, "f8E5M2": 8,
        "i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "index": 64}
NARROW = ("f8E4M3FN", "f8E5M2")
FLOATS = ("f32", "f16", "bf16")
INTS = ("i32", "i8", "i16", "i64")


def is_float(elem):
    return elem in EXACT


@dataclasses.dataclass
class Tile:
    name: str
    shape: tuple
    elem: str
    bound: float
    exact: bool = True

    @property
    def type(self):
        return f"tensor<{'x'.join(map(str, self.shape))}x{self.elem}>"


@dataclasses.dataclass
class Index:
    name: str
    low: int
    high: int


@dataclasses.dataclass
class Buffer:
    name: str
    elem: str
    shape: tuple
    access: str = ""
    bound: float = 4
    exact: bool = True
    dynamic: tuple = ()
    view: str = ""
    # For what a kernel writes: the extent of each block's own part, and the
    # grid dimension that tells them apart.
    region: tuple = ()
    block: tuple = ()
    # For what is reduced into: how large sums may still grow, and for what all
    # blocks reduce into, by one kind and without a region, the tile's extents.
    room: float | None = None
    kind: str = ""
    tile: tuple = ()

    @property
    def type(self):
        extents = ["?" if dynamic else str(extent) for extent, dynamic in zip(self.shape, self.dynamic)]
        return f"memref<{'x'.join(extents)}x{self.elem}>"


def tensor(shape, elem):
    return f"tensor<{'x'.join(map(str, shape))}x{elem}>"
