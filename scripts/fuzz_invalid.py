"""Programs that must be refused, for scripts/fuzz."""

import re

FRAME = """tile.kernel @k(%A: memref<64x64xf32>, %H: memref<64x64xf16>, %I: memref<64x64xi32>, %E: memref<64x64xf8E4M3FN>,
               %B: memref<64x64xi8>, %O: memref<64x64xf32>){attributes} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %f = arith.constant 1.0 : f32
  %a = tile.load %A[%c0, %c0] : memref<64x64xf32> -> tensor<64x64xf32>
  %h = tile.load %H[%c0, %c0] : memref<64x64xf16> -> tensor<64x64xf16>
  %i = tile.load %I[%c0, %c0] : memref<64x64xi32> -> tensor<64x64xi32>
  %e = tile.load %E[%c0, %c0] : memref<64x64xf8E4M3FN> -> tensor<64x64xf8E4M3FN>
  %b = tile.load %B[%c0, %c0] : memref<64x64xi8> -> tensor<64x64xi8>
  %z = arith.constant dense<0.0> : tensor<64x64xf32>
  %zi = arith.constant dense<0> : tensor<64x64xi32>
  %row = tensor.splat %f : tensor<64xf32>
  {body}
  tile.store %a, %O[%c0, %c0] : tensor<64x64xf32>, memref<64x64xf32>
}}
tile.host @main[%N](%A: memref<64x64xf32>, %H: memref<64x64xf16>, %I: memref<64x64xi32>, %E: memref<64x64xf8E4M3FN>,
                   %B: memref<64x64xi8>, out %O: memref<64x64xf32>) {{
  %c1 = arith.constant 1 : index
  {host}
  tile.launch @k grid({grid}) args({arguments}) : memref<64x64xf32>, memref<64x64xf16>, memref<64x64xi32>,
    memref<64x64xf8E4M3FN>, memref<64x64xi8>, memref<64x64xf32>
}}
"""

# What the kernel does.
BODIES = """
%d = tile.dot %h, %h, %z : tensor<64x64xf16>, tensor<64x64xf16> -> tensor<64x32xf32>
%d = tile.dot %h, %h, %a fast_accum : tensor<64x64xf16>, tensor<64x64xf16> -> tensor<64x64xf32>
%d = tile.dot %a, %a, %z : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
%d = tile.dot %a, %a, %z precision tf32 : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
%d = tile.dot %a, %a, %z transpose_a transpose_b precision tf32 : tensor<64x64xf32>, tensor<64x64xf32> -> tensor<64x64xf32>
%d = tile.dot %e, %e, %z : tensor<64x64xf8E4M3FN>, tensor<64x64xf8E4M3FN> -> tensor<64x64xf32>
%d = tile.dot %b, %b, %z transpose_b : tensor<64x64xi8>, tensor<64x64xi8> -> tensor<64x64xf32>
%d = tile.dot %b, %h, %z transpose_b : tensor<64x64xi8>, tensor<64x64xf16> -> tensor<64x64xf32>
%d = tile.dot %i, %i, %zi : tensor<64x64xi32>, tensor<64x64xi32> -> tensor<64x64xi32>
%x = tile.load %H[%c0, %c0] : memref<64x64xf16> -> tensor<32x64xf16> %y = arith.constant dense<0.0> : tensor<32x64xf32> %d = tile.dot %x, %h, %y : tensor<32x64xf16>, tensor<64x64xf16> -> tensor<32x64xf32>
%x = tile.load %H[%c0, %c0] : memref<64x64xf16> -> tensor<64x20xf16> %w = tile.load %H[%c0, %c0] : memref<64x64xf16> -> tensor<20x64xf16> %d = tile.dot %x, %w, %z : tensor<64x20xf16>, tensor<20x64xf16> -> tensor<64x64xf32>
%x = tile.load %H[%c0, %c0] : memref<64x64xf16> -> tensor<64x12xf16> %y = arith.constant dense<0.0> : tensor<64x12xf32> %d = tile.dot %h, %x, %y : tensor<64x64xf16>, tensor<64x12xf16> -> tensor<64x12xf32>
%x = tile.load %H[%c0, %c0] : memref<64x64xf16> -> tensor<64x8xf16> %y = arith.constant dense<0.0> : tensor<64x8xf32> %d = tile.dot %h, %x, %y : tensor<64x64xf16>, tensor<64x8xf16> -> tensor<64x8xf32>
%x = tile.load %B[%c0, %c0] : memref<64x64xi8> -> tensor<40x64xi8> %y = arith.constant dense<0> : tensor<64x40xi32> %d = tile.dot %b, %x, %y transpose_b : tensor<64x64xi8>, tensor<40x64xi8> -> tensor<64x40xi32>
%x = tile.load %A[%c0] : memref<64x64xf32> -> tensor<64x64xf32>
%x = tile.load %A[%c0, %c0, %c0] : memref<64x64xf32> -> tensor<64x64xf32>
%x = tile.load %A[%c0, %c0] : memref<64x64xf32> -> tensor<4x64x64xf32>
%x = tile.load %A[%c0, %c0] : memref<64x64xf32> -> tensor<64x64xf16>
%x = tile.load %A[%c0, %c0] : memref<64x64xf32> -> tensor<?x64xf32>
%x = tile.load %A[%c0, %c0] : memref<64x64xf32> -> tensor<0x64xf32>
%x = tile.load %A[%c0, %c0] : memref<64x64xf32> -> tensor<f32>
%x = tile.load %A[%c0, %c0] pad 0 : i32 : memref<64x64xf32> -> tensor<64x64xf32>
%x = tile.load %A[%c0, %c0] pad "x" : memref<64x64xf32> -> tensor<64x64xf32>
%x = tile.load %A[%f, %c0] : memref<64x64xf32> -> tensor<64x64xf32>
%x = tile.load %A[%c0, %c0] : memref<64x64xf32> -> tensor<1000000x1000000xf32>
%x = tile.load %A[%c0, %c0] : memref<64x64xf32> -> vector<64x64xf32>
tile.store %h, %O[%c0, %c0] : tensor<64x64xf16>, memref<64x64xf32>
tile.store %a, %O[%c0] : tensor<64x64xf32>, memref<64x64xf32>
%x = tile.reduce add %a, %row axis 2 : tensor<64x64xf32> -> tensor<64xf32>
%x = tile.reduce add %a, %z axis 0 : tensor<64x64xf32> -> tensor<64x64xf32>
%x = tile.reduce xor %a, %row axis 0 : tensor<64x64xf32> -> tensor<64xf32>
%x = tile.reduce mean %a, %row axis 0 : tensor<64x64xf32> -> tensor<64xf32>
%y = tile.load %E[%c0, %c0] : memref<64x64xf8E4M3FN> -> tensor<64xf8E4M3FN> %x = tile.reduce add %e, %y axis 0 : tensor<64x64xf8E4M3FN> -> tensor<64xf8E4M3FN>
%x = tile.reduce add %row, %f axis 0 : tensor<64xf32> -> tensor<1xf32>
%x = tile.broadcast %row axes [1] : tensor<64xf32> -> tensor<32x64xf32>
%x = tile.broadcast %row axes [2] : tensor<64xf32> -> tensor<64x64xf32>
%x = tile.broadcast %row axes [0, 0] : tensor<64xf32> -> tensor<64x64xf32>
%x = tile.broadcast %row axes [-1] : tensor<64xf32> -> tensor<64x64xf32>
%x = tile.broadcast %row axes [] : tensor<64xf32> -> tensor<64x64xf32>
%x = tile.transpose %a [0, 0] : tensor<64x64xf32> -> tensor<64x64xf32>
%x = tile.transpose %a [1] : tensor<64x64xf32> -> tensor<64x64xf32>
%x = tile.transpose %a [1, 2] : tensor<64x64xf32> -> tensor<64x64xf32>
%x = tile.iota axis 1 : tensor<64xi32>
%x = tile.iota axis 0 : tensor<64xf32>
%x = tile.iota axis -1 : tensor<64xi32>
%x = arith.addf %a, %h : tensor<64x64xf32>
%x = arith.addf %e, %e : tensor<64x64xf8E4M3FN>
%x = arith.addi %i, %b : tensor<64x64xi32>
%x = math.exp %e : tensor<64x64xf8E4M3FN> tile.store %x, %E[%c0, %c0] : tensor<64x64xf8E4M3FN>, memref<64x64xf8E4M3FN>
%x = arith.truncf %a : tensor<64x64xf32> to tensor<64x64xf8E8M0FNU>
%x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32> tile.store %x, %O[%c0, %c0] : tensor<2xf32>, memref<64x64xf32>
%x = tensor.extract %a[%c0, %c0] : tensor<64x64xf32> memref.store %x, %O[%c0, %c0] : memref<64x64xf32>
%x = tensor.extract_slice %a[0, 0] [32, 64] [1, 1] : tensor<64x64xf32> to tensor<32x64xf32> tile.store %x, %O[%c0, %c0] : tensor<32x64xf32>, memref<64x64xf32>
%x = tensor.empty() : tensor<64x64xf32> %y = tensor.insert %f into %x[%c0, %c0] : tensor<64x64xf32> tile.store %y, %O[%c0, %c0] : tensor<64x64xf32>, memref<64x64xf32>
%x = gpu.thread_id x
gpu.barrier
%x = memref.alloc() : memref<4xf32>
%x = memref.load %A[%c0] : memref<64x64xf32>
%x = "unknown.op"() : () -> i32
%x = undefined
%y = arith.addf %nothing, %a : tensor<64x64xf32>
scf.for %k = %c0 to %c3 step %c0 { %x = arith.addf %f, %f : f32 } }
%x = scf.for %k = %c0 to %c3 step %c1 iter_args(%s = %a) -> (tensor<64x64xf32>) { scf.yield %h : tensor<64x64xf16> }
scf.if %f { }
%x = scf.if %c0 -> (f32) { scf.yield %f : f32 }
scf.parallel (%k) = (%c0) to (%c3) step (%c1) { scf.reduce }
tile.launch @k grid(%c1) args(%A)
tile.return %a : tensor<64x64xf32>
%p = arith.constant true aref.sync aref.bogus
func.call @missing() : () -> ()
"""

ATTRIBUTES = ["tile.warps = 3 : i64", "tile.warps = 0 : i64", "tile.warps = -4 : i64", "tile.warps = 64 : i64",
              "tile.warps = \"4\"", "tile.stages = 0 : i64", "tile.stages = -1 : i64", "tile.stages = \"2\"",
              "tile.raster = 0 : i64", "tile.raster = -3 : i64", "tile.raster = 1.0 : f32", "tile.unknown = 1 : i64",
              "tile.stages = 100000 : i64", "tile.warps = 4294967300 : i64", "tile.cluster = 2 : i64", "tile.cluster = []",
              "tile.cluster = [2, 2]", "tile.cluster = [3]", "tile.cluster = [2 : ui32]", "tile.cluster = [\"2\"]"]

# What the host function does, its grid and its arguments.
ALL = "%A, %H, %I, %E, %B, %O"
HOSTS = [("", "", ALL), ("", "%c1, %c1, %c1, %c1", ALL), ("", "%A", ALL), ("", "%c1", "%H, %A, %I, %E, %B, %O"),
         ("", "%c1", "%A, %H, %I, %E, %B"), ("", "%c1", ALL + ", %O"), ("%x = gpu.block_id x", "%x", ALL),
         ("%x = arith.constant dense<0.0> : tensor<4xf32>", "%c1", ALL),
         ("%x = memref.load %A[%c1, %c1] : memref<64x64xf32>", "%c1", ALL),
         ("scf.if %c1 { }", "%c1", ALL), ("%x = arith.addf %c1, %c1 : index", "%c1", ALL), ("", "%M", ALL)]


def get_programs():
    """Every invalid program, with what is wrong in it."""
    programs = []
    for body in filter(None, BODIES.splitlines()):
        # Each operation on its own line.
        lines = re.sub(r" (?=(%\w+ = (?!tile\.store)[a-z]|tile\.store|memref\.store|aref\.))", r"\n  ", body)
        programs.append((body, FRAME.format(attributes="", body=lines, host="", grid="%c1", arguments=ALL)))
    for attribute in ATTRIBUTES:
        body = ("%w = scf.for %k = %c0 to %c3 step %c1 iter_args(%s = %z) -> (tensor<64x64xf32>) {\n"
                "%p = tile.load %H[%k, %c0] : memref<64x64xf16> -> tensor<64x64xf16>\n"
                "%d = tile.dot %p, %p, %s : tensor<64x64xf16>, tensor<64x64xf16> -> tensor<64x64xf32>\n"
                "scf.yield %d : tensor<64x64xf32>\n}\n"
                "tile.store %w, %O[%c0, %c0] : tensor<64x64xf32>, memref<64x64xf32>")
        programs.append((attribute, FRAME.format(attributes=f" attributes {{{attribute}}}", body=body, host="",
                                                 grid="%c1", arguments=ALL)))
    for host, grid, arguments in HOSTS:
        programs.append((f"{host} grid({grid}) args({arguments})",
                         FRAME.format(attributes="", body="", host=host, grid=grid, arguments=arguments)))
    return programs
