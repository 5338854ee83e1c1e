//===- TableTest.cpp - The instruction table ------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "instructions/Table.h"

#include "TestDevice.h"
#include "decode/Modifiers.h"
#include "decode/Pattern.h"

#include <cstdlib>
#include <fmt/format.h>
#include <set>

using namespace heddle;
using namespace heddle::test;
using namespace heddle::vgpu;

namespace {

bool matches(std::string_view pattern, std::string_view mnemonic) {
  Modifiers mods(mnemonic);
  return Pattern(pattern).matches(mods.rest());
}

TEST(Pattern, PlacesMayComeInAnyOrder) {
  std::string_view add = "add{.<round>}{.ftz}{.sat}.f32";
  EXPECT_TRUE(matches(add, "add.f32"));
  EXPECT_TRUE(matches(add, "add.rn.ftz.sat.f32"));
  EXPECT_TRUE(matches(add, "add.ftz.rn.f32"));
  EXPECT_FALSE(matches(add, "add"));
  EXPECT_FALSE(matches(add, "add.f64"));
  EXPECT_FALSE(matches(add, "add.rn.rz.f32"));
  EXPECT_FALSE(matches(add, "add.f32.f32"));
  EXPECT_FALSE(matches(add, "add..f32"));
}

TEST(Pattern, BracesComeTogether) {
  std::string_view min = "min{.xorsign.abs}.f32";
  EXPECT_TRUE(matches(min, "min.f32"));
  EXPECT_TRUE(matches(min, "min.xorsign.abs.f32"));
  EXPECT_FALSE(matches(min, "min.abs.f32"));
}

TEST(Pattern, NumbersAndRests) {
  std::string_view mma = "mma.m64n#k16.f32";
  EXPECT_TRUE(matches(mma, "mma.m64n256k16.f32"));
  EXPECT_FALSE(matches(mma, "mma.m64nk16.f32"));
  EXPECT_FALSE(matches(mma, "mma.m64n8k160.f32"));
  EXPECT_TRUE(matches("ld.*.v8", "ld.global.v8.f32"));
  EXPECT_FALSE(matches("ld.*.v8", "ld.global.v4.f32"));
}

TEST(Pattern, MalformedOnesAreInvalid) {
  for (const char *text : {"", ".f32", "add.", "add.(", "add.(a|b", "add{.a",
                           "add{}", "add.<nothing>", "add}", "add.a)"})
    EXPECT_FALSE(Pattern(text).isValid()) << text;
}

TEST(Table, EveryPatternIsValidAndUnique) {
  std::set<std::string_view> seen;
  for (const InstructionFamily &family : instructionFamilies())
    for (const InstructionRow &row : family.rows) {
      EXPECT_TRUE(Pattern(row.pattern).isValid()) << row.pattern;
      EXPECT_TRUE(seen.insert(row.pattern).second) << row.pattern;
      EXPECT_NE(row.decode, nullptr) << row.pattern;
    }
}

RowEffects effectsOf(std::string_view mnemonic) {
  Modifiers mods(mnemonic);
  RowMatch match = findInstruction(mods);
  EXPECT_NE(match.row, nullptr) << mnemonic << ": " << match.message;
  return match.row ? vgpu::effectsOf(*match.row, mods) : RowEffects{};
}

TEST(Table, EffectsFollowSpacesAndOrder) {
  EXPECT_EQ(effectsOf("ld.u32").reads, anyMemory);
  EXPECT_EQ(effectsOf("ld.shared.v4.f32").reads, sharedMemory);
  EXPECT_EQ(effectsOf("atom.shared.add.u32").writes, sharedMemory);
  EXPECT_EQ(effectsOf("st.param.b64").writes, parameterMemory | localMemory);
  EXPECT_EQ(effectsOf("ld.acquire.gpu.global.u32").sync, acquires);
  EXPECT_EQ(effectsOf("st.release.sys.global.u32").sync, releases);
  EXPECT_EQ(effectsOf("atom.acq_rel.gpu.add.u32").sync, acquires | releases);
  EXPECT_EQ(effectsOf("mbarrier.arrive.release.cta.b64").sync,
            usesMbarrier | releases);
  EXPECT_EQ(effectsOf("mbarrier.arrive.relaxed.cta.b64").sync, usesMbarrier);
  RowEffects bulk = effectsOf("cp.async.bulk.global.shared::cta.bulk_group");
  EXPECT_EQ(bulk.proxy, Proxy::Async);
  EXPECT_EQ(bulk.reads, sharedMemory);
  EXPECT_EQ(bulk.writes, globalMemory);
  EXPECT_EQ(bulk.completion, Completion::BulkGroup);
  EXPECT_FALSE(effectsOf("add.u32").touchesMemory());
}

/// What schedules and reports make of an instruction: s, w, c and o for
/// synchronizes, writes, communicates and order-dependent.
std::string roleOf(std::string_view mnemonic) {
  Modifiers mods(mnemonic);
  RowMatch match = findInstruction(mods);
  EXPECT_NE(match.row, nullptr) << mnemonic << ": " << match.message;
  if (!match.row)
    return "";
  Effects effects = getEffects(*match.row, mods);
  std::string text;
  for (auto [is, letter] :
       {std::pair{effects.synchronizes, 's'}, std::pair{effects.writes, 'w'},
        std::pair{effects.communicates, 'c'},
        std::pair{effects.orderDependent, 'o'}})
    if (is)
      text += letter;
  return text;
}

TEST(Table, SchedulesKnowWhatMeetsOtherThreads) {
  for (auto [mnemonic, expected] :
       std::initializer_list<std::pair<const char *, const char *>>{
           {"add.u32", ""},
           {"shfl.sync.idx.b32", ""},
           {"activemask.b32", "o"},
           {"ld.global.u32", ""},
           {"ld.volatile.u32", "sco"},
           {"ld.acquire.gpu.global.u32", "sco"},
           {"ld.relaxed.cta.shared.u32", "so"},
           {"ld.volatile.param.u32", "s"},
           {"st.shared.u32", "w"},
           {"st.local.u32", "w"},
           {"st.release.gpu.u32", "swco"},
           {"atom.global.add.u32", "swco"},
           {"atom.shared.add.u32", "swo"},
           {"red.global.add.u32", "sw"},
           {"red.global.add.f32", "swco"},
           {"red.shared.add.f32", "swo"},
           {"red.async.relaxed.cluster.mbarrier::complete_tx::bytes.add.u32",
            "sw"},
           {"cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32", "sw"},
           {"cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32",
            "swco"},
           {"cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile."
            "bulk_group",
            "swco"},
           {"cp.async.ca.shared.global", "sw"},
           {"cp.async.commit_group", "sw"},
           {"cp.async.bulk.wait_group.read", "sw"},
           {"wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16", "sw"},
           {"wgmma.commit_group.sync.aligned", "sw"},
           {"mbarrier.arrive.relaxed.cta.b64", "sw"},
           {"mbarrier.try_wait.parity.b64", "s"},
           {"bar.sync", "sw"},
           {"barrier.cluster.arrive.relaxed", "sw"},
           {"barrier.cluster.wait", "sw"},
           {"fence.acq_rel.gpu", "s"},
           {"membar.gl", "s"},
           {"nanosleep.u32", "s"},
           {"setmaxnreg.inc.sync.aligned.u32", "sw"},
           {"bra", ""},
           {"exit", "w"},
           {"call.uni", "w"}})
    EXPECT_EQ(roleOf(mnemonic), expected) << mnemonic;
}

std::string loadError(const std::string &text) {
  TestDevice device;
  auto module =
      device.device->loadModule({.name = "in.ptx", .ptx = text, .cubins = {}});
  return module ? "" : module.error().message;
}
std::string bodyError(const std::string &body) {
  return loadError(kernelWith(body));
}

TEST(Table, MessagesNameTheNearestForm) {
  EXPECT_EQ(bodyError("shfl.sync.b32 %r0, %r1, 0, 31, -1;"),
            "in.ptx:17: shfl.sync.b32: expected .up, .down, .bfly or .idx; the "
            "nearest form is shfl.sync.(up|down|bfly|idx).b32");
  EXPECT_EQ(bodyError("fence.proxy.async.local;"),
            "in.ptx:17: fence.proxy.async.local: unknown modifier '.local'; "
            "the nearest form is "
            "fence.proxy.async{.(global|shared::cta|shared::cluster)}");
  EXPECT_EQ(bodyError("tcgen05.fence::before_thread_sync;"),
            "in.ptx:17: tcgen05.fence::before_thread_sync: needs sm_100a; the "
            "virtual GPU runs sm_90a and older");
  EXPECT_EQ(bodyError("fma.rn.f32x2 %rd0, %rd1, %rd2, %rd3;"),
            "in.ptx:17: fma.rn.f32x2: needs sm_100; the virtual GPU runs "
            "sm_90a and older");
}

TEST(Table, TargetsAreChecked) {
  auto module = [](std::string target, std::string body) {
    return ".version 8.0\n.target " + target +
           "\n.address_size 64\n.visible .entry k()\n{\n" + body +
           "\nret;\n}\n";
  };
  EXPECT_EQ(loadError(module("sm_100a", "")),
            "in.ptx:2: target sm_100a; the virtual GPU runs sm_90a and older");
  EXPECT_EQ(loadError(module("sm_120f", "")),
            "in.ptx:2: target sm_120f; the virtual GPU runs sm_90a and older");
  EXPECT_EQ(loadError(module("volta", "")),
            "in.ptx:2: expected a target such as sm_90a, found 'volta'");
  EXPECT_EQ(loadError(module("sm_80, debug", "")), "");
  EXPECT_EQ(loadError(module("sm_80", "wgmma.fence.sync.aligned;")),
            "in.ptx:6: wgmma.fence.sync.aligned: needs sm_90a; the module's "
            "target is sm_80");
  EXPECT_EQ(loadError(module("sm_90", "wgmma.fence.sync.aligned;")),
            "in.ptx:6: wgmma.fence.sync.aligned: needs sm_90a; the module's "
            "target is sm_90");
  EXPECT_EQ(loadError(".version 10.1\n.target sm_90\n"),
            "in.ptx:1: version 10.1 of PTX; the virtual GPU reads 9.x and "
            "older");
}

// --- docs/instructions.md ----------------------------------------------------

std::string describeMemory(MemorySet set) {
  std::string text;
  for (auto [bit, name] :
       {std::pair{sharedMemory, "shared"}, std::pair{globalMemory, "global"},
        std::pair{localMemory, "local"}, std::pair{parameterMemory, "param"}})
    if (set & bit)
      text += (text.empty() ? "" : ", ") + std::string(name);
  return set == anyMemory ? "any" : text;
}

std::string describeEffects(const RowEffects &effects) {
  std::string text;
  auto add = [&](std::string part) {
    text += (text.empty() ? "" : "; ") + part;
  };
  if (effects.reads)
    add("reads " + describeMemory(effects.reads));
  if (effects.writes)
    add("writes " + describeMemory(effects.writes));
  if (effects.proxy != Proxy::Generic)
    add(fmt::format("{} proxy", getName(effects.proxy)));
  for (auto [bit, name] :
       {std::pair{acquires, "acquires"}, std::pair{releases, "releases"},
        std::pair{meets, "waits"}, std::pair{fences, "fence"},
        std::pair{usesMbarrier, "mbarrier"}, std::pair{commits, "commits"},
        std::pair{yields, "yields"}})
    if (effects.sync & bit)
      add(name);
  if (effects.completion != Completion::AtOnce)
    add(fmt::format("completes by {}", getName(effects.completion)));
  if (effects.update != Update::None)
    add("atomic");
  if (effects.dependsOnSchedule)
    add("depends on the schedule");
  return text;
}

std::string_view describe(Fidelity fidelity) {
  switch (fidelity) {
  case Fidelity::Exact:
    return "exact";
  case Fidelity::WithinTolerance:
    return "within tolerance";
  case Fidelity::Approximate:
    return "approximate";
  }
  return "";
}

std::string documentation() {
  std::string text =
      "# Instructions of the virtual GPU\n\n"
      "Written by a test from the tables in `runtime/virtual/instructions`; "
      "`HEDDLE_UPDATE_DOCS=1 HeddleVirtualTests "
      "--gtest_filter=Table.Documentation` writes it again.\n\n"
      "Braces hold what is optional, `(a|b)` is a choice, `#` a number, `.*` "
      "anything. Modifiers may come in another order, as assemblers allow. "
      "*Effects* lists what an instruction may touch unless its modifiers "
      "say "
      "less. *Fidelity*: *exact* are the bits of hardware; *within tolerance* "
      "is what the ISA promises, correctly rounded here; *approximate* is what "
      "the ISA leaves open, such as the order of sums in tensor cores.\n\n"
      "| class | members |\n|---|---|\n";
  for (const Pattern::Class &members : Pattern::classes()) {
    text += fmt::format("| `<{}>` | `{}` |\n", members.name,
                        fmt::join(members.members, "` `"));
  }
  for (const InstructionFamily &family : instructionFamilies()) {
    text += fmt::format("\n## {}\n\n| form | since | effects | timing | "
                        "fidelity |\n|---|---|---|---|---|\n",
                        family.name);
    for (const InstructionRow &row : family.rows) {
      std::string form(row.pattern);
      for (size_t at = 0; (at = form.find('|', at)) != form.npos; at += 2)
        form.insert(at, "\\");
      text += fmt::format("| `{}` | {} | {} | {} | {} |\n", form,
                          row.target ? targetName(row.target) : "",
                          describeEffects(row.effects), getName(row.timing),
                          row.target > newestTarget ? "refused"
                                                    : describe(row.fidelity));
    }
  }
  return text;
}

TEST(Table, Documentation) {
  const char *path = HEDDLE_INSTRUCTIONS_MD;
  if (std::getenv("HEDDLE_UPDATE_DOCS"))
    std::ofstream(path) << documentation();
  EXPECT_TRUE(readFile(path) == documentation())
      << path << " does not list what the tables hold; run this test with "
      << "HEDDLE_UPDATE_DOCS=1";
}

} // namespace
