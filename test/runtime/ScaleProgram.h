//===- ScaleProgram.h - A program that doubles an array ---------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_TEST_RUNTIME_SCALEPROGRAM_H
#define HEDDLE_TEST_RUNTIME_SCALEPROGRAM_H

#include "heddle/Runtime/Package.h"

namespace heddle::test {

/// `scale[N](inout x: N of f32)` doubles `x`.
inline PackageContents makeScaleContents() {
  PackageContents contents;
  contents.info.producer = "a test";
  contents.info.target = "sm_90a";
  LaunchPlan &plan = contents.info.program.plans.emplace_back();
  plan.name = "scale";
  plan.sizes = {"N"};
  plan.buffers = {{"x", ElementType::F32, {{true, 0}}, Access::InOut}};
  plan.instructions = {{.constant = 128},
                       {.op = IndexOp::CeilDivUI, .operands = {0, 1}}};
  plan.launches = {{"double_it", {2}, {{true, 0}}, "scale.mlir:9"}};
  KernelEntry &kernel = contents.info.program.kernels.emplace_back();
  kernel.entry = "double_it";
  kernel.threads = 128;
  kernel.parameters = {{true, ElementType::F32, {-1}, {1}}};
  kernel.location = "scale.mlir:1";
  contents.ptx = R"(.version 8.0
.target sm_90a
.address_size 64
.visible .entry double_it(.param .u64 x, .param .u64 n, .param .u64 stride)
{
  .reg .b64 %rd<5>;
  .reg .b32 %r<4>;
  .reg .f32 %f;
  .reg .pred %p;
  ld.param.u64 %rd0, [x];
  ld.param.u64 %rd1, [n];
  mov.u32 %r0, %ctaid.x;
  mov.u32 %r1, %ntid.x;
  mov.u32 %r2, %tid.x;
  mad.lo.u32 %r3, %r0, %r1, %r2;
  cvt.u64.u32 %rd2, %r3;
  setp.ge.u64 %p, %rd2, %rd1;
  @%p bra done;
  cvta.to.global.u64 %rd0, %rd0;
  shl.b64 %rd3, %rd2, 2;
  add.u64 %rd4, %rd0, %rd3;
  ld.global.f32 %f, [%rd4];
  add.f32 %f, %f, %f;
  st.global.f32 [%rd4], %f;
done:
  ret;
}
)";
  return contents;
}

} // namespace heddle::test

#endif // HEDDLE_TEST_RUNTIME_SCALEPROGRAM_H
