//===- Newer.cpp - Instructions that later targets have -------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Rows for what compilers emit for later targets, so that the message names
/// the target. Decoding stops before their decoder is called.
///
//===----------------------------------------------------------------------===//

#include "instructions/Table.h"

using namespace heddle::vgpu;

namespace {

constexpr uint32_t sm100 = 1000, sm100a = 1001;

constexpr InstructionRow newer(std::string_view pattern,
                               uint32_t target = sm100a) {
  return {pattern, decodeNothing, {}, Timing::Alu, Fidelity::Exact, target};
}

constexpr InstructionRow rows[] = {
    newer("tcgen05.*"),
    newer("clusterlaunchcontrol.*", sm100),
    newer("add{.<round>}{.ftz}.f32x2", sm100),
    newer("add{.<round>}{.sat}.f32.(f16|bf16)", sm100),
    newer("sub{.<round>}{.ftz}.f32x2", sm100),
    newer("sub{.<round>}{.sat}.f32.(f16|bf16)", sm100),
    newer("mul{.<round>}{.ftz}.f32x2", sm100),
    newer("fma.<round>{.ftz}.f32x2", sm100),
    newer("fma.<round>{.sat}.f32.(f16|bf16)", sm100),
    newer("cvt{.(rn|rz)}{.satfinite}{.relu}.*"
          ".(e2m1x2|e2m3x2|e3m2x2|ue8m0x2|e4m3x4|e5m2x4|e2m1x4|s2f6x2)"),
    newer("cvt.rs.*"),
    newer("cvt{.rn}{.relu}.(f16x2|bf16x2)"
          ".(e2m1x2|e2m3x2|e3m2x2|ue8m0x2|s2f6x2)"),
    newer("redux.sync.(min|max){.abs}{.NaN}.f32"),
    newer("ldmatrix.sync.aligned.(m16n16|m8n16).*"),
    newer("stmatrix.sync.aligned.m16n8.*"),
    newer("mma.sync.aligned.*.kind::f8f6f4.*", 1201),
    newer("mma.sync.aligned.*.kind::mxf8f6f4.*", 1201),
    newer("mma.sync.aligned.*.kind::mxf4.*", 1201),
    newer("mma.sync.aligned.*.kind::mxf4nvf4.*", 1201),
    newer("multimem.ld_reduce{.weak}{.(relaxed|acquire).<scope>}{.global}"
          ".(add|min|max){.acc::f16}{.(v2|v4|v8|v16)}"
          ".(e4m3|e4m3x2|e4m3x4|e5m2|e5m2x2|e5m2x4)"),
    newer("multimem.st{.weak}{.(relaxed|release).<scope>}{.global}"
          "{.(v2|v4|v8|v16)}.(e4m3|e4m3x2|e4m3x4|e5m2|e5m2x2|e5m2x4)"),
    newer("ld.*.v8", sm100),
    newer("st.*.v8", sm100),
    newer("cp.async.bulk.tensor.*.tile::gather4.*"),
    newer("cp.async.bulk.tensor.*.tile::scatter4.*"),
    newer("cp.async.bulk.tensor.*.cta_group::2.*"),
    newer("st.bulk{.weak}{.shared::cta}", sm100),
};

} // namespace

std::span<const InstructionRow> heddle::vgpu::newerInstructions() {
  return rows;
}
