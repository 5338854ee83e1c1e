//===- Wgmma.cpp - The warpgroup's matrix unit ---------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Wgmma.h"

#include "Numerics.h"
#include "WgmmaKernel.h"

#include <algorithm>
#include <cstring>
#include <limits>

using namespace heddle;
using namespace heddle::vgpu;

namespace {

constexpr uint32_t chunkBytes = 16;

const char *spelling(WgmmaInput type) {
  constexpr const char *names[] = {"f16",  "bf16", "tf32", "e4m3",
                                   "e5m2", "s8",   "u8"};
  return names[size_t(type)];
}

const char *spelling(WgmmaAccumulator type) {
  constexpr const char *names[] = {"f32", "f16", "s32"};
  return names[size_t(type)];
}

bool isFp8(WgmmaInput type) {
  return type == WgmmaInput::E4M3 || type == WgmmaInput::E5M2;
}

bool isInteger(WgmmaInput type) {
  return type == WgmmaInput::S8 || type == WgmmaInput::U8;
}

Checked<void> verifyTypes(const WgmmaOp &op) {
  bool matches = op.a == op.b || (isFp8(op.a) && isFp8(op.b)) ||
                 (isInteger(op.a) && isInteger(op.b));
  if (!matches)
    return makeFault(faults::other,
                     "wgmma: expected A and B of one type, both fp8 or both "
                     "8-bit integers, found {} and {}",
                     spelling(op.a), spelling(op.b));
  bool accumulates = false;
  switch (op.d) {
  case WgmmaAccumulator::F32:
    accumulates = !isInteger(op.a);
    break;
  case WgmmaAccumulator::F16:
    accumulates = op.a == WgmmaInput::F16 || isFp8(op.a);
    break;
  case WgmmaAccumulator::S32:
    accumulates = isInteger(op.a);
    break;
  }
  if (!accumulates)
    return makeFault(faults::other,
                     "wgmma: expected an accumulator of type {} for operands "
                     "of type {}, found {}",
                     isInteger(op.a) ? "s32" : "f32", spelling(op.a),
                     spelling(op.d));
  return {};
}

/// Whether the swizzle moves what is `step` bytes further on alike.
bool keepsSwizzle(Swizzle mode, uint32_t step) {
  return mode == Swizzle::None || step % (8 * uint32_t(mode)) == 0;
}

/// Lists the shared addresses of an operand's 16-byte chunks in the order of
/// `elements[mn][k]` (K-major) or `elements[k][mn]`. Returns how many.
uint32_t listChunks(const SharedDescriptor &descriptor, Major major,
                    uint32_t rows, uint32_t k, uint32_t *chunks) {
  uint32_t span = uint32_t(descriptor.swizzle);
  uint32_t pitch = span ? span : chunkBytes;
  uint32_t count = 0;
  if (major == Major::K) {
    // k is 32 bytes: two chunks a row.
    uint32_t second = span ? chunkBytes : descriptor.leading;
    if (keepsSwizzle(descriptor.swizzle, descriptor.stride)) {
      std::array<uint32_t, 16> pattern;
      for (uint32_t i = 0; i < 8; ++i) {
        uint32_t row = descriptor.start + i * pitch;
        pattern[2 * i] = swizzle(row, descriptor.swizzle);
        pattern[2 * i + 1] = swizzle(row + second, descriptor.swizzle);
      }
      for (uint32_t g = 0; g < rows / 8; ++g, count += 16)
        for (uint32_t i = 0; i < 16; ++i)
          chunks[count + i] = pattern[i] + g * descriptor.stride;
      return count;
    }
    for (uint32_t mn = 0; mn < rows; ++mn) {
      uint32_t row =
          descriptor.start + mn / 8 * descriptor.stride + mn % 8 * pitch;
      chunks[count++] = swizzle(row, descriptor.swizzle);
      chunks[count++] = swizzle(row + second, descriptor.swizzle);
    }
    return count;
  }
  // Eight 16-bit elements a chunk, and span / 16 chunks before a jump.
  uint32_t perSpan = span ? span / chunkBytes : 1;
  uint32_t jump = span ? descriptor.leading : descriptor.stride;
  uint32_t kJump = span ? descriptor.stride : descriptor.leading;
  if (keepsSwizzle(descriptor.swizzle, jump)) {
    for (uint32_t i = 0; i < k; ++i) {
      uint32_t row = descriptor.start + i / 8 * kJump + i % 8 * pitch;
      uint32_t pattern[8];
      for (uint32_t c = 0; c < perSpan; ++c)
        pattern[c] = swizzle(row + c * chunkBytes, descriptor.swizzle);
      for (uint32_t c = 0, moved = 0; c < rows / 8; moved += jump)
        for (uint32_t j = 0; j < perSpan && c < rows / 8; ++j)
          chunks[count + c++] = pattern[j] + moved;
      count += rows / 8;
    }
    return count;
  }
  for (uint32_t i = 0; i < k; ++i)
    for (uint32_t c = 0; c < rows / 8; ++c)
      chunks[count++] =
          swizzle(descriptor.start + i / 8 * kJump + i % 8 * pitch +
                      c / perSpan * jump + c % perSpan * chunkBytes,
                  descriptor.swizzle);
  return count;
}

SharedExtent extentOfChunks(const uint32_t *chunks, uint32_t count) {
  auto [least, most] = std::minmax_element(chunks, chunks + count);
  return {*least, *most + chunkBytes};
}

/// A bound on the end of the chunks that costs less than looking at each:
/// addresses grow with every index until the swizzle, which stays in a line.
uint32_t endBound(const SharedDescriptor &descriptor, Major major,
                  uint32_t rows, uint32_t k) {
  constexpr uint32_t line = 128;
  uint32_t span = uint32_t(descriptor.swizzle);
  uint32_t end = descriptor.start + 7 * (span ? span : chunkBytes);
  if (major == Major::K) {
    end += (rows / 8 - 1) * descriptor.stride +
           (span ? chunkBytes : descriptor.leading);
  } else {
    uint32_t perSpan = span ? span / chunkBytes : 1;
    uint32_t jump = span ? descriptor.leading : descriptor.stride;
    uint32_t kJump = span ? descriptor.stride : descriptor.leading;
    end += (k / 8 - 1) * kJump + (rows / 8 - 1) / perSpan * jump +
           (perSpan - 1) * chunkBytes;
  }
  return (end + chunkBytes + line - 1) / line * line;
}

WgmmaScratch &scratchSpace() {
  // Allocated on first use, so that threads without a wgmma do not pay.
  static thread_local std::unique_ptr<WgmmaScratch> scratch;
  if (!scratch)
    scratch.reset(new WgmmaScratch);
  return *scratch;
}

struct Operand {
  char name;
  WgmmaInput type;
  Major major;
  uint32_t rows;
  uint64_t descriptor;
};

/// Converts an operand in shared memory to `scratch.elements`.
Checked<void> readOperand(const Operand &operand, uint32_t k,
                          const std::byte *shared, uint32_t sharedBytes,
                          WgmmaScratch &scratch) {
  Checked<SharedDescriptor> descriptor =
      decodeSharedDescriptor(operand.descriptor);
  if (!descriptor)
    return tl::unexpected(
        descriptor.error().in(fmt::format("wgmma operand {}", operand.name)));
  uint32_t count =
      listChunks(*descriptor, operand.major, operand.rows, k, scratch.chunks);
  if (endBound(*descriptor, operand.major, operand.rows, k) > sharedBytes) {
    SharedExtent extent = extentOfChunks(scratch.chunks, count);
    if (extent.end > sharedBytes)
      return makeFault(
          faults::bounds,
          "wgmma operand {}: its {}x{} {} tile at shared offset {:#x} (leading "
          "offset {}, stride offset {}, swizzle {} bytes) reaches {} bytes "
          "past the end of the {}-byte shared window",
          operand.name, operand.rows, k, spelling(operand.type),
          descriptor->start, descriptor->leading, descriptor->stride,
          unsigned(descriptor->swizzle), extent.end - sharedBytes, sharedBytes);
  }
  convertChunks(operand.type, shared, scratch.chunks, count, scratch.elements);
  return {};
}

/// Converts A's register fragment to `scratch.elements`, [row][k]. A register
/// holds one 4-byte piece of a row, whatever the type: registers 0 and 1 have
/// piece lane % 4 of rows lane / 4 and lane / 4 + 8, registers 2 and 3 the same
/// of the row's second half.
void readRegistersA(const WgmmaOp &op, const WarpgroupRegisters &a,
                    WgmmaScratch &scratch) {
  constexpr uint32_t pieces = 8;
  std::array<uint32_t, wgmmaRows * pieces> tile;
  for (uint32_t warp = 0; warp < 4; ++warp)
    for (uint32_t r = 0; r < wgmmaARegisters; ++r)
      for (uint32_t lane = 0; lane < 32; ++lane) {
        uint32_t row = 16 * warp + lane / 4 + 8 * (r % 2);
        tile[row * pieces + lane % 4 + 4 * (r / 2)] = a[warp][r][lane];
      }
  constexpr uint32_t count = sizeof(tile) / chunkBytes;
  for (uint32_t i = 0; i < count; ++i)
    scratch.chunks[i] = i * chunkBytes;
  convertChunks(op.a, reinterpret_cast<const std::byte *>(tile.data()),
                scratch.chunks, count, scratch.elements);
}

/// The registers of `scratch.d`, for accumulators that are not f32.
struct ScratchRegisters {
  explicit ScratchRegisters(WgmmaScratch &scratch) {
    for (uint32_t warp = 0; warp < 4; ++warp) {
      for (uint32_t r = 0; r < maxWgmmaN / 2; ++r)
        pointers[warp][r] = reinterpret_cast<uint32_t *>(
            scratch.d + (warp * (maxWgmmaN / 2) + r) * 32);
      registers[warp] = pointers[warp].data();
    }
  }
  std::array<std::array<uint32_t *, maxWgmmaN / 2>, 4> pointers;
  WarpgroupRegisters registers;
};

/// The integer product is exact in f32: 32 * 255 * 255 < 2^24. Only its
/// addition to D is an integer operation.
void accumulateS32(const WgmmaOp &op, const WarpgroupRegisters &product,
                   const WarpgroupRegisters &d) {
  for (uint32_t warp = 0; warp < 4; ++warp)
    for (uint32_t r = 0; r < op.n / 2; ++r) {
      const auto *from = reinterpret_cast<const float *>(product[warp][r]);
      uint32_t *to = d[warp][r];
      for (uint32_t lane = 0; lane < 32; ++lane) {
        int64_t sum = int32_t(from[lane]);
        if (op.scaleD)
          sum += int32_t(to[lane]);
        if (op.saturate)
          sum = std::clamp<int64_t>(sum, std::numeric_limits<int32_t>::min(),
                                    std::numeric_limits<int32_t>::max());
        to[lane] = uint32_t(sum);
      }
    }
}

/// Multiplies the packed panels into D.
void multiplyInto(const WgmmaOp &op, WgmmaScratch &scratch,
                  const WarpgroupRegisters &d) {
  if (op.d == WgmmaAccumulator::F32) {
    multiplyPanels(scratch.a, scratch.b, op.n, op.k(), op.scaleD, d);
    return;
  }
  ScratchRegisters wide(scratch);
  if (op.d == WgmmaAccumulator::S32) {
    multiplyPanels(scratch.a, scratch.b, op.n, op.k(), false, wide.registers);
    accumulateS32(op, wide.registers, d);
    return;
  }
  // Register r of an f16 accumulator holds what 2r and 2r + 1 of an f32 one do.
  auto forEachPair = [&](auto convert) {
    for (uint32_t warp = 0; warp < 4; ++warp)
      for (uint32_t r = 0; r < op.n / 4; ++r)
        convert(d[warp][r],
                reinterpret_cast<float *>(wide.registers[warp][2 * r]),
                reinterpret_cast<float *>(wide.registers[warp][2 * r + 1]));
  };
  if (op.scaleD)
    forEachPair([](const uint32_t *pairs, float *low, float *high) {
      widenF16(pairs, low, high);
    });
  multiplyPanels(scratch.a, scratch.b, op.n, op.k(), op.scaleD, wide.registers);
  forEachPair([](uint32_t *pairs, const float *low, const float *high) {
    narrowF16(low, high, pairs);
  });
}

Operand operandA(const WgmmaOp &op, uint64_t descriptor) {
  return {'A', op.a, op.transA ? Major::MN : Major::K, wgmmaRows, descriptor};
}

Operand operandB(const WgmmaOp &op, uint64_t descriptor) {
  return {'B', op.b, op.transB ? Major::MN : Major::K, op.n, descriptor};
}

Checked<SharedExtent> extentOf(const Operand &operand, uint32_t k) {
  Checked<SharedDescriptor> descriptor =
      decodeSharedDescriptor(operand.descriptor);
  if (!descriptor)
    return tl::unexpected(
        descriptor.error().in(fmt::format("wgmma operand {}", operand.name)));
  WgmmaScratch &scratch = scratchSpace();
  return extentOfChunks(
      scratch.chunks,
      listChunks(*descriptor, operand.major, operand.rows, k, scratch.chunks));
}

} // namespace

uint32_t WgmmaOp::elementBytes() const {
  switch (a) {
  case WgmmaInput::F16:
  case WgmmaInput::BF16:
    return 2;
  case WgmmaInput::TF32:
    return 4;
  case WgmmaInput::E4M3:
  case WgmmaInput::E5M2:
  case WgmmaInput::S8:
  case WgmmaInput::U8:
    return 1;
  }
  return 1;
}

Checked<void> vgpu::verifyWgmma(const WgmmaOp &op, bool aInRegisters) {
  if (Checked<void> good = verifyTypes(op); !good)
    return good;
  bool integer = isInteger(op.a);
  if (op.n < 8 || op.n > maxWgmmaN || op.n % 8 != 0)
    return makeFault(faults::other,
                     "wgmma: expected n in 8..256 in steps of 8, found {}",
                     op.n);
  if (integer && op.n > 32 && op.n % 16 != 0)
    return makeFault(faults::other,
                     "wgmma: expected n of 8, 16, 24, 32 or a multiple of 16 "
                     "for {} operands, found {}; the nearest are {} and {}",
                     spelling(op.a), op.n, op.n - 8, op.n + 8);
  if (aInRegisters && op.transA)
    return makeFault(faults::other,
                     "wgmma: operand A in registers cannot be transposed");
  if ((op.transA || op.transB) && op.elementBytes() != 2)
    return makeFault(faults::other,
                     "wgmma: expected K-major operands, since only f16 and "
                     "bf16 can be transposed; found MN-major {} of type {}",
                     op.transA ? "A" : "B", spelling(op.a));
  for (int scale : {op.scaleA, op.scaleB})
    if (scale != 1 && (scale != -1 || integer))
      return makeFault(faults::other,
                       "wgmma: expected an operand scale of {}, found {}",
                       integer ? "1" : "1 or -1", scale);
  if (op.saturate && !integer)
    return makeFault(faults::other,
                     "wgmma: expected .satfinite on integer operands only, "
                     "found {}",
                     spelling(op.a));
  return {};
}

std::span<const uint32_t> vgpu::wgmmaChunks(const WgmmaOp &op, bool isB,
                                            uint64_t descriptor) {
  Operand operand = isB ? operandB(op, descriptor) : operandA(op, descriptor);
  Checked<SharedDescriptor> decoded = decodeSharedDescriptor(descriptor);
  if (!decoded)
    return {};
  WgmmaScratch &scratch = scratchSpace();
  return {scratch.chunks, listChunks(*decoded, operand.major, operand.rows,
                                     op.k(), scratch.chunks)};
}

Checked<SharedExtent> vgpu::wgmmaExtentA(const WgmmaOp &op, uint64_t descA) {
  if (Checked<void> good = verifyWgmma(op, false); !good)
    return tl::unexpected(good.error());
  return extentOf(operandA(op, descA), op.k());
}

Checked<SharedExtent> vgpu::wgmmaExtentB(const WgmmaOp &op, uint64_t descB) {
  if (Checked<void> good = verifyWgmma(op, false); !good)
    return tl::unexpected(good.error());
  return extentOf(operandB(op, descB), op.k());
}

Checked<void> vgpu::wgmma(const WgmmaOp &op, const std::byte *shared,
                          uint32_t sharedBytes, uint64_t descA, uint64_t descB,
                          const WarpgroupRegisters &d) {
  if (Checked<void> good = verifyWgmma(op, false); !good)
    return good;
  WgmmaScratch &scratch = scratchSpace();
  uint32_t k = op.k();
  Operand a = operandA(op, descA), b = operandB(op, descB);
  if (Checked<void> good = readOperand(a, k, shared, sharedBytes, scratch);
      !good)
    return good;
  packA(scratch.elements, a.major, k, float(op.scaleA * op.scaleB), scratch.a);
  if (Checked<void> good = readOperand(b, k, shared, sharedBytes, scratch);
      !good)
    return good;
  packB(scratch.elements, b.major, op.n, k, scratch.b);
  multiplyInto(op, scratch, d);
  return {};
}

Checked<void> vgpu::wgmma(const WgmmaOp &op, const std::byte *shared,
                          uint32_t sharedBytes, const WarpgroupRegisters &a,
                          uint64_t descB, const WarpgroupRegisters &d) {
  if (Checked<void> good = verifyWgmma(op, true); !good)
    return good;
  WgmmaScratch &scratch = scratchSpace();
  uint32_t k = op.k();
  readRegistersA(op, a, scratch);
  packA(scratch.elements, Major::K, k, float(op.scaleA * op.scaleB), scratch.a);
  Operand b = operandB(op, descB);
  if (Checked<void> good = readOperand(b, k, shared, sharedBytes, scratch);
      !good)
    return good;
  packB(scratch.elements, b.major, op.n, k, scratch.b);
  multiplyInto(op, scratch, d);
  return {};
}
