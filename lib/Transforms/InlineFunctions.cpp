//===- InlineFunctions.cpp - Functions go where they are called -----------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"

namespace heddle {
#define GEN_PASS_DEF_INLINEFUNCTIONS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

/// How deep calls may nest, and how many operations a kernel may have when all
/// are inlined. Each call may double a program.
static constexpr unsigned maxDepth = 64;
static constexpr int64_t maxOperations = 1 << 16;

//===----------------------------------------------------------------------===//
// Whether functions can be inlined
//===----------------------------------------------------------------------===//

namespace {
/// What a function, kernel or host function is when its calls are inlined.
struct Extent {
  int64_t operations = 0;
  /// The length of the longest chain of calls.
  unsigned depth = 0;
};

/// Follows the calls of a module.
class CallGraph {
public:
  explicit CallGraph(ModuleOp module) : module(module), symbols(module) {}

  /// Whether all functions can be inlined.
  LogicalResult verify();

  func::FuncOp getCallee(func::CallOp call) {
    return symbols.lookup<func::FuncOp>(call.getCallee());
  }

private:
  FailureOr<Extent> measure(Operation *caller);
  FailureOr<Extent> measure(func::CallOp call);

  ModuleOp module;
  SymbolTable symbols;
  llvm::DenseMap<Operation *, Extent> extents;
  /// The functions that are being measured, each called by the one before.
  SmallVector<func::FuncOp> path;
};
} // namespace

static LogicalResult verifyFunction(func::FuncOp function) {
  if (function.isDeclaration())
    return function.emitError() << "expected '@" << function.getSymName()
                                << "' to have a body, which its calls become";
  if (!function.getBody().hasOneBlock())
    return function.emitError()
           << "expected '@" << function.getSymName()
           << "' to have one block, found " << function.getBlocks().size()
           << "; scf.if, scf.for and arith.select would work";
  Operation *end = function.getBody().front().getTerminator();
  if (!isa<func::ReturnOp>(end))
    return end->emitError() << "expected '@" << function.getSymName()
                            << "' to end with func.return";
  return success();
}

FailureOr<Extent> CallGraph::measure(func::CallOp call) {
  func::FuncOp callee = getCallee(call);
  if (!callee)
    return call.emitError() << "expected '@" << call.getCallee()
                            << "' to be a function of this module";
  if (path.size() == maxDepth)
    return call.emitError() << "calls nest deeper than " << maxDepth;
  if (auto *first = llvm::find(path, callee); first != path.end()) {
    InFlightDiagnostic error = call.emitError();
    error << "functions are inlined, so none can call itself, but ";
    for (func::FuncOp caller : llvm::make_range(first, path.end()))
      error << "'@" << caller.getSymName() << "' calls ";
    return error << "'@" << callee.getSymName() << "'; scf.for would work";
  }
  if (auto known = extents.find(callee); known != extents.end())
    return known->second;
  path.push_back(callee);
  FailureOr<Extent> extent = measure(callee.getOperation());
  path.pop_back();
  if (succeeded(extent))
    extents[callee] = *extent;
  return extent;
}

FailureOr<Extent> CallGraph::measure(Operation *caller) {
  Extent extent;
  WalkResult walked = caller->walk([&](Operation *op) -> WalkResult {
    ++extent.operations;
    if (isa<func::CallIndirectOp, func::ConstantOp>(op))
      return op->emitError("functions are called by their names, by func.call");
    auto call = dyn_cast<func::CallOp>(op);
    if (!call)
      return success();
    FailureOr<Extent> callee = measure(call);
    if (failed(callee))
      return failure();
    extent.operations += callee->operations;
    extent.depth = std::max(extent.depth, callee->depth + 1);
    if (extent.depth > maxDepth)
      return call.emitError() << "calls nest deeper than " << maxDepth;
    if (extent.operations > maxOperations)
      return call.emitError()
             << "more than " << maxOperations
             << " operations, with those of the functions that are called";
    return success();
  });
  if (walked.wasInterrupted())
    return failure();
  return extent;
}

LogicalResult CallGraph::verify() {
  WalkResult nested = module.walk([&](func::FuncOp function) -> WalkResult {
    if (function->getParentOp() == module)
      return success();
    return function.emitError()
           << "expected '@" << function.getSymName()
           << "' next to the kernels, in the outermost module";
  });
  if (nested.wasInterrupted())
    return failure();
  for (auto function : module.getOps<func::FuncOp>())
    if (failed(verifyFunction(function)))
      return failure();
  for (auto function : module.getOps<func::FuncOp>())
    if (!extents.contains(function)) {
      path.assign({function});
      FailureOr<Extent> extent = measure(function.getOperation());
      if (failed(extent))
        return failure();
      extents[function] = *extent;
    }
  path.clear();
  for (Operation &op : *module.getBody())
    if (isa<tile::KernelOp, tile::HostOp>(op) && failed(measure(&op)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Inlining
//===----------------------------------------------------------------------===//

/// The location without the name of a value.
static Location dropName(Location location) {
  while (auto named = dyn_cast<NameLoc>(location))
    location = named.getChildLoc();
  return location;
}

/// `location`, of a function, where it is called. What it names keeps its name.
static Location addCaller(Location location, Location caller) {
  if (auto named = dyn_cast<NameLoc>(location))
    return NameLoc::get(named.getName(),
                        addCaller(named.getChildLoc(), caller));
  return CallSiteLoc::get(location, caller);
}

/// Lets `value`, the result of an inlined call, have the name that the caller
/// gave it.
static void takeName(Value value, func::CallOp call) {
  auto name = dyn_cast<NameLoc>(call.getLoc());
  Operation *op = value.getDefiningOp();
  if (name && op && op->getNumResults() == 1)
    op->setLoc(NameLoc::get(name.getName(), dropName(op->getLoc())));
}

/// Replaces `call` by the body of `callee`. Returns the calls in it.
static SmallVector<func::CallOp> inlineCall(func::CallOp call,
                                            func::FuncOp callee) {
  SmallVector<func::CallOp> calls;
  Location caller = dropName(call.getLoc());
  auto setLocation = [&](Operation *op) {
    op->setLoc(addCaller(op->getLoc(), caller));
    for (Region &region : op->getRegions())
      for (BlockArgument argument : region.getArguments())
        argument.setLoc(addCaller(argument.getLoc(), caller));
    if (auto inner = dyn_cast<func::CallOp>(op))
      calls.push_back(inner);
  };
  OpBuilder builder(call);
  Block &body = callee.getBody().front();
  IRMapping mapping;
  mapping.map(body.getArguments(), call.getOperands());
  SmallPtrSet<Operation *, 4> cloned;
  for (Operation &op : body.without_terminator()) {
    Operation *clone = builder.clone(op, mapping);
    clone->walk(setLocation);
    cloned.insert(clone);
  }
  for (auto [result, returned] : llvm::zip_equal(
           call.getResults(), body.getTerminator()->getOperands())) {
    Value value = mapping.lookup(returned);
    if (call.getNumResults() == 1 && cloned.contains(value.getDefiningOp()))
      takeName(value, call);
    result.replaceAllUsesWith(value);
  }
  call.erase();
  return calls;
}

namespace {
struct InlineFunctions : heddle::impl::InlineFunctionsBase<InlineFunctions> {
  void runOnOperation() override {
    CallGraph graph(getOperation());
    if (failed(graph.verify()))
      return signalPassFailure();
    // From callers to callees, so that locations are chains of callers.
    SmallVector<func::CallOp> calls;
    for (Operation &op : *getOperation().getBody())
      if (isa<tile::KernelOp, tile::HostOp>(op))
        op.walk([&](func::CallOp call) { calls.push_back(call); });
    while (!calls.empty()) {
      func::CallOp call = calls.pop_back_val();
      calls.append(inlineCall(call, graph.getCallee(call)));
    }
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
      function.erase();
  }
};
} // namespace
