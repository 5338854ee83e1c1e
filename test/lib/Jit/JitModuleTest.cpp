//===- JitModuleTest.cpp - Tests of compiling modules ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "heddle/JitModule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include "test/lib/Jit/Doubling.h"
#include "test/lib/Jit/TemporaryFolder.h"

#include <gmock/gmock.h>

using namespace mlir;
using namespace heddle;
using testing::HasSubstr;
using testing::StartsWith;

static void loadDialects(MLIRContext &context) {
  DialectRegistry registry;
  registerDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

namespace {
class JitModule : public testing::Test {
protected:
  JitModule() { loadDialects(context); }
  MLIRContext context;
};
} // namespace

/// The program of Doubling.h, that multiplies by `factor`.
static OwningOpRef<ModuleOp> build(MLIRContext &context, float factor) {
  OpBuilder builder(&context);
  Location location = FileLineColLoc::get(&context, "application.cpp", 12, 3);
  OwningOpRef<ModuleOp> module(ModuleOp::create(location));
  Type index = builder.getIndexType(), f32 = builder.getF32Type();
  auto view = MemRefType::get({ShapedType::kDynamic}, f32);
  auto tile = RankedTensorType::get({256}, f32);

  builder.setInsertionPointToEnd(module->getBody());
  auto kernel = tile::KernelOp::create(
      builder, location, "scale",
      builder.getFunctionType({view, view, f32}, {}),
      /*arg_names=*/ArrayAttr(), /*arg_attrs=*/ArrayAttr(),
      /*res_attrs=*/ArrayAttr());
  Block *body = &kernel.getBody().emplaceBlock();
  body->addArguments({view, view, f32}, {location, location, location});
  builder.setInsertionPointToStart(body);
  Value width = arith::ConstantIndexOp::create(builder, location, 256);
  Value block = gpu::BlockIdOp::create(builder, location, gpu::Dimension::x);
  Value offset = arith::MulIOp::create(builder, location, block, width);
  Value x = tile::LoadOp::create(builder, location, tile, body->getArgument(0),
                                 offset, /*pad=*/TypedAttr());
  Value splat = tensor::SplatOp::create(builder, location, body->getArgument(2),
                                        ArrayRef<int64_t>{256});
  Value y = arith::MulFOp::create(builder, location, x, splat);
  tile::StoreOp::create(builder, location, y, body->getArgument(1), offset);
  tile::ReturnOp::create(builder, location);

  builder.setInsertionPointToEnd(module->getBody());
  auto host = tile::HostOp::create(
      builder, location, "multiply",
      builder.getFunctionType({index, view, view}, {}),
      builder.getStrArrayAttr({"N"}), builder.getStrArrayAttr({"x", "y"}),
      ArrayRef<int32_t>{int32_t(tile::Access::In), int32_t(tile::Access::Out)},
      /*extents=*/ArrayRef<int32_t>{0, 0},
      /*arg_attrs=*/ArrayAttr(), /*res_attrs=*/ArrayAttr());
  body = &host.getBody().emplaceBlock();
  body->addArguments({index, view, view}, {location, location, location});
  builder.setInsertionPointToStart(body);
  width = arith::ConstantIndexOp::create(builder, location, 256);
  Value blocks = arith::CeilDivUIOp::create(builder, location,
                                            body->getArgument(0), width);
  Value a = arith::ConstantOp::create(builder, location,
                                      builder.getF32FloatAttr(factor));
  tile::LaunchOp::create(
      builder, location, "scale", blocks,
      ValueRange{body->getArgument(1), body->getArgument(2), a});
  tile::ReturnOp::create(builder, location);
  return module;
}

TEST_F(JitModule, CompilesWhatTheApplicationBuilt) {
  Jit jit({.cacheFolder = ""});
  OwningOpRef<ModuleOp> module = build(context, 2);
  std::string before, after;
  llvm::raw_string_ostream(before) << *module;
  auto package = compile(jit, *module, "built");
  ASSERT_TRUE(package) << package.error().message;
  llvm::raw_string_ostream(after) << *module;
  EXPECT_EQ(before, after);
  EXPECT_EQ((*package)->getInfo().program.plans.front().name, "multiply");
  EXPECT_THAT(std::string((*package)->getImage().ptx),
              HasSubstr("application.cpp"));

  Expected<std::unique_ptr<Device>> device = openDevice("virtual");
  ASSERT_TRUE(device);
  auto program = Executable::load(**device, *package);
  ASSERT_TRUE(program) << program.error().message;
  EXPECT_EQ(checkDoubling(**program), "");
}

TEST_F(JitModule, FindsTheSameModuleInTheCaches) {
  TemporaryFolder folder;
  JitOptions options{.cacheFolder = folder / "c"};
  Jit jit(options);
  auto first = compile(jit, *build(context, 2), "built");
  ASSERT_TRUE(first);
  EXPECT_EQ(*compile(jit, *build(context, 2), "built"), *first);
  EXPECT_EQ(jit.getStatistics().memoryHits, 1u);
  ASSERT_TRUE(compile(jit, *build(context, 3), "built"));
  EXPECT_EQ(jit.getStatistics().misses, 2u);
  // And of another context.
  MLIRContext other;
  loadDialects(other);
  Jit second(options);
  ASSERT_TRUE(compile(second, *build(other, 2), "built"));
  EXPECT_EQ(second.getStatistics().diskHits, 1u);
}

TEST_F(JitModule, KnowsLocations) {
  Jit jit({.cacheFolder = ""});
  OwningOpRef<ModuleOp> module = build(context, 2);
  ASSERT_TRUE(compile(jit, *module, "built"));
  module->walk([&](tile::LoadOp load) {
    load->setLoc(FileLineColLoc::get(&context, "application.cpp", 13, 1));
  });
  ASSERT_TRUE(compile(jit, *module, "built"));
  EXPECT_EQ(jit.getStatistics().misses, 2u);
}

TEST_F(JitModule, ReportsWhatIsWrong) {
  Jit jit({.cacheFolder = ""});
  OwningOpRef<ModuleOp> module = build(context, 2);
  module->walk([](tile::KernelOp kernel) { kernel.setSymName("other"); });
  auto compiled = compile(jit, *module, "built");
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().kind, ErrorKind::InvalidInput);
  EXPECT_THAT(compiled.error().message,
              StartsWith("application.cpp:12:3: error: "));
}
