//===- HookTest.cpp - The sanitizer sees every access ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// For each row of the instruction table that touches shared or global memory,
/// a statement that does. It runs beside a store by another warp, and must be
/// reported as racing with it.
///
//===----------------------------------------------------------------------===//

#include "TestDevice.h"
#include "decode/Modifiers.h"
#include "instructions/Table.h"

#include <algorithm>
#include <set>

using namespace heddle;
using namespace heddle::test;
using namespace heddle::vgpu;

namespace {

/// %r0 is a buffer in shared memory, %r1 an mbarrier, %rd0 a buffer in global
/// memory.
constexpr std::string_view samples[] = {
    "ld.shared.v4.u32 {%r2, %r3, %r4, %r5}, [%r0];",
    "ld.u32 %r2, [%rd0];",
    "ld.volatile.global.u32 %r2, [%rd0];",
    "ld.volatile.shared.u32 %r2, [%r0];",
    "ld.relaxed.gpu.global.u32 %r2, [%rd0];",
    "ld.acquire.cta.shared.u32 %r2, [%r0];",
    "ld.mmio.relaxed.sys.global.u32 %r2, [%rd0];",
    "ld.global.nc.u32 %r2, [%rd0];",
    "ldu.global.u32 %r2, [%rd0];",
    "st.shared.u32 [%r0], 1;",
    "st.global.v2.u32 [%rd0], {1, 2};",
    "st.volatile.shared.u32 [%r0], 1;",
    "st.release.gpu.global.u32 [%rd0], 1;",
    "st.mmio.relaxed.sys.global.u32 [%rd0], 1;",
    "atom.global.add.u32 %r2, [%rd0], 1;",
    "atom.shared.min.s32 %r2, [%r0], 1;",
    "atom.global.inc.u32 %r2, [%rd0], 1;",
    "atom.shared.xor.b32 %r2, [%r0], 1;",
    "atom.global.exch.b32 %r2, [%rd0], 1;",
    "atom.shared.cas.b32 %r2, [%r0], 1, 2;",
    "atom.global.cas.b16 %h0, [%rd0], %h1, %h2;",
    "atom.global.exch.b128 _, [%rd0], %q1;",
    "ld.global.b128 %q1, [%rd0];",
    "st.global.b128 [%rd0], %q1;",
    "atom.global.add.noftz.f16 %h0, [%rd0], %h1;",
    "atom.global.add.noftz.bf16 %h0, [%rd0], %h1;",
    "atom.global.add.noftz.f16x2 %r2, [%rd0], %r3;",
    "atom.global.add.noftz.bf16x2 %r2, [%rd0], %r3;",
    "atom.global.v2.f32.add {%f0, %f1}, [%rd0], {%f2, %f3};",
    "atom.global.v2.f16.add.noftz {%h0, %h1}, [%rd0], {%h2, %h3};",
    "atom.global.v2.f16x2.add.noftz {%r2, %r3}, [%rd0], {%r4, %r5};",
    "red.global.add.u32 [%rd0], 1;",
    "red.shared.min.s32 [%r0], 1;",
    "red.global.inc.u32 [%rd0], 1;",
    "red.shared.xor.b32 [%r0], 1;",
    "red.global.add.noftz.f16 [%rd0], %h1;",
    "red.global.add.noftz.bf16 [%rd0], %h1;",
    "red.global.add.noftz.f16x2 [%rd0], %r3;",
    "red.global.add.noftz.bf16x2 [%rd0], %r3;",
    "red.global.v2.f32.add [%rd0], {%f2, %f3};",
    "red.global.v2.f16.add.noftz [%rd0], {%h2, %h3};",
    "red.global.v2.f16x2.add.noftz [%rd0], {%r4, %r5};",
    "cp.async.ca.shared.global [%r0], [%rd0], 16;",
    "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
    "[%r0], [%rd0], 128, [%r1];",
    "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes "
    "[%r0+256], [%r0], 128, [%r1];",
    "cp.async.bulk.global.shared::cta.bulk_group [%rd0], [%r0], 128;",
    "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 "
    "[%rd0], [%r0], 128;",
    "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.noftz.f16 "
    "[%rd0], [%r0], 128;",
    "cp.reduce.async.bulk.shared::cluster.shared::cta"
    ".mbarrier::complete_tx::bytes.add.u32 [%r0], [%r0+256], 128, [%r1];",
    "cp.reduce.async.bulk.shared::cluster.shared::cta"
    ".mbarrier::complete_tx::bytes.min.s32 [%r0], [%r0+256], 128, [%r1];",
    "cp.reduce.async.bulk.shared::cluster.shared::cta"
    ".mbarrier::complete_tx::bytes.inc.u32 [%r0], [%r0+256], 128, [%r1];",
    "cp.reduce.async.bulk.shared::cluster.shared::cta"
    ".mbarrier::complete_tx::bytes.xor.b32 [%r0], [%r0+256], 128, [%r1];",
    "st.async.shared::cluster.mbarrier::complete_tx::bytes.v2.b32 "
    "[%r0], {%r2, %r3}, [%r1];",
    "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes"
    ".add.u32 [%r0], %r2, [%r1];",
    "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes"
    ".inc.u32 [%r0], %r2, [%r1];",
    "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes"
    ".xor.b32 [%r0], %r2, [%r1];",
    "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%r0];",
    "stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r0], {%r2};",
    "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 "
    "{%r7, %r8, %r9, %r10, %r11, %r12, %r13, %r14}, [%rd0];",
    "wmma.load.b.sync.aligned.row.m8n32k16.global.s8 "
    "{%r7, %r8, %r9, %r10}, [%rd0];",
    "wmma.load.a.sync.aligned.col.m16n16k16.global.bf16 "
    "{%r7, %r8, %r9, %r10}, [%rd0];",
    "wmma.load.b.sync.aligned.col.m16n16k8.global.tf32 "
    "{%r7, %r8, %r9, %r10}, [%rd0];",
    "wmma.load.a.sync.aligned.row.m8n8k4.global.f64 "
    "{%fd0}, [%rd0];",
    "wmma.load.a.sync.aligned.row.m8n8k32.global.s4 "
    "{%r7}, [%rd0];",
    "wmma.load.b.sync.aligned.col.m8n8k32.global.u4 "
    "{%r7}, [%rd0];",
    "wmma.load.a.sync.aligned.row.m8n8k128.global.b1 "
    "{%r7}, [%rd0];",
    "wmma.load.b.sync.aligned.col.m8n8k128.global.b1 "
    "{%r7}, [%rd0];",
    "wmma.load.c.sync.aligned.row.m32n8k16.global.f16 "
    "{%r7, %r8, %r9, %r10}, [%rd0];",
    "wmma.load.c.sync.aligned.col.m16n16k8.global.f32 "
    "{%r7, %r8, %r9, %r10, %r11, %r12, %r13, %r14}, [%rd0];",
    "wmma.load.c.sync.aligned.row.m8n8k4.global.f64 "
    "{%fd0, %fd1}, [%rd0];",
    "wmma.load.c.sync.aligned.row.m8n8k32.global.s32 "
    "{%r7, %r8}, [%rd0];",
    "wmma.store.d.sync.aligned.row.m16n16k16.global.f32 "
    "[%rd0], {%r7, %r8, %r9, %r10, %r11, %r12, %r13, %r14};",
    "wmma.store.d.sync.aligned.col.m16n16k8.global.f32 "
    "[%rd0], {%r7, %r8, %r9, %r10, %r11, %r12, %r13, %r14};",
    "wmma.store.d.sync.aligned.row.m8n8k4.global.f64 "
    "[%rd0], {%fd0, %fd1};",
    "wmma.store.d.sync.aligned.row.m8n8k128.global.s32 "
    "[%rd0], {%r7, %r8};",
};

/// Rows without a statement here: how their patterns begin, and why.
constexpr std::pair<std::string_view, std::string_view> others[] = {
    {"multimem.", "needs a multicast object: see MultimemTest"},
    {"cp.async.bulk.tensor.", "needs a tensor map: see RaceTest, BugsTest"},
    {"cp.reduce.async.bulk.tensor.", "needs a tensor map: as above"},
    {"tensormap.", "needs a tensor map: as above"},
    {"wgmma.mma_async.", "needs a warpgroup: see RaceTest"},
};

std::string_view opcodeOf(std::string_view sample) {
  return sample.substr(0, sample.find(' '));
}

bool mayRace(const RowEffects &effects) {
  return ((effects.reads | effects.writes) & (sharedMemory | globalMemory)) &&
         !(effects.sync & usesMbarrier);
}

/// Whether the report of a launch where `sample` races with `store` names it.
bool isSeen(std::string_view sample, std::string_view store,
            std::string_view place, std::string &said) {
  std::string guard =
      sample.find(".aligned") != sample.npos ? "@%p3 " : "@%p1 ";
  std::string body = R"(
.shared .align 128 .b8 buffer[1024];
.shared .align 8 .b64 bar;
mov.u32 %r0, buffer;
mov.u32 %r1, bar;
.reg .b128 %q<4>;
mov.u64 %rd0, %out;
setp.eq.u32 %p1, %r31, 0;
setp.eq.u32 %p2, %r31, 32;
setp.lt.u32 %p3, %r31, 32;
@%p1 mbarrier.init.shared.b64 [%r1], 1;
)";
  // Each thread gives a row of a matrix of its own.
  body += "and.b32 %r6, %r31, 7;\nmad.lo.u32 %r0, %r6, " +
          std::string(guard == "@%p3 " ? "16" : "0") + ", %r0;\nbar.sync 0;\n" +
          guard + std::string(sample) + "\n@%p2 " + std::string(store);
  VirtualDeviceOptions options;
  options.stepBudget = 1 << 20;
  options.sanitize = SanitizeLevel::Full;
  bool seen = false;
  options.onReport = [&](const LaunchReport &report) {
    for (const Finding &finding : report.findings) {
      said += finding.message + "\n";
      if (finding.kind == FindingKind::Race)
        for (const FindingSite &site : finding.sites)
          seen |= site.opcode == opcodeOf(sample) &&
                  site.what.find(place) != site.what.npos;
    }
  };
  TestDevice device(options);
  DeviceAddress out = device.upload(std::vector<uint64_t>(128));
  LaunchConfig config;
  config.block.x = 64;
  said += device.run(kernelWith(body), "k", config, {out}) + "\n";
  return seen;
}

TEST(Hook, EveryAccessIsSeen) {
  // Rows stand once for each instruction set of the host.
  std::set<std::string_view> covered;
  for (std::string_view sample : samples) {
    Modifiers mods(opcodeOf(sample));
    RowMatch match = findInstruction(mods);
    ASSERT_NE(match.row, nullptr) << sample << ": " << match.message;
    covered.insert(match.row->pattern);
    RowEffects effects = effectsOf(*match.row, mods);
    MemorySet touched = effects.reads | effects.writes;
    std::string said;
    if (sample.find("[%r0") != sample.npos) {
      EXPECT_TRUE(touched & sharedMemory) << sample;
      EXPECT_TRUE(isSeen(sample, "st.shared.u32 [%r0], 7;", "shared", said))
          << sample << "\n"
          << said;
    }
    if (sample.find("[%r0+256") != sample.npos) {
      EXPECT_TRUE(isSeen(sample, "st.shared.u32 [%r0+256], 7;", "shared", said))
          << sample << "\n"
          << said;
    }
    if (sample.find("[%rd0") != sample.npos) {
      EXPECT_TRUE(touched & globalMemory) << sample;
      EXPECT_TRUE(isSeen(sample, "st.global.u32 [%rd0], 7;", "global", said))
          << sample << "\n"
          << said;
    }
  }
  for (const InstructionFamily &family : instructionFamilies())
    for (const InstructionRow &row : family.rows) {
      bool listed = std::ranges::any_of(others, [&](auto &other) {
        return row.pattern.starts_with(other.first);
      });
      if (row.target <= newestTarget && mayRace(row.effects)) {
        EXPECT_NE(covered.contains(row.pattern), listed)
            << row.pattern << ": expected a statement that touches memory";
      }
    }
}

} // namespace
