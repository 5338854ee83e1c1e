//===- Translate.cpp - From modules to what they mean ---------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Reference/Translate.h"

#include "runtime/reference/Registry.h"

using namespace mlir;
using namespace heddle::reference;
using heddle::Access;
namespace tile = heddle::tile;

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

static std::optional<NumberType> getNumberType(mlir::Type type) {
  std::string name;
  llvm::raw_string_ostream(name) << type;
  return NumberType::parse(name);
}

static int64_t orDynamic(int64_t value) {
  return ShapedType::isDynamic(value) ? dynamic : value;
}

/// A type whose values the reference can hold, or nothing.
static std::optional<heddle::reference::Type> getType(mlir::Type type) {
  std::optional<NumberType> element = getNumberType(getElementTypeOrSelf(type));
  if (!element)
    return std::nullopt;
  heddle::reference::Type result;
  result.element = *element;
  if (auto view = dyn_cast<MemRefType>(type)) {
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(view.getStridesAndOffset(strides, offset)))
      return std::nullopt;
    result.form = Form::View;
    for (auto [extent, stride] : llvm::zip_equal(view.getShape(), strides)) {
      result.shape.push_back(orDynamic(extent));
      result.strides.push_back(orDynamic(stride));
    }
  } else if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    if (!tensor.hasStaticShape())
      return std::nullopt;
    result.form = Form::Tile;
    llvm::append_range(result.shape, tensor.getShape());
  } else if (!type.isIntOrIndexOrFloat()) {
    return std::nullopt;
  }
  return result;
}

static Element getElement(const APInt &value) {
  return makeInt(value.getZExtValue());
}
static Element getElement(APFloat value) {
  bool losesInfo;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return makeFloat(value.convertToDouble());
}

template <typename Number>
static Numbers getNumbers(DenseElementsAttr elements) {
  if (elements.isSplat())
    return {getElement(elements.getSplatValue<Number>())};
  Numbers numbers;
  for (Number number : elements.getValues<Number>())
    numbers.push_back(getElement(number));
  return numbers;
}

/// The numbers of an attribute whose element type the reference knows.
static std::optional<Numbers> getNumbers(mlir::Attribute attribute) {
  if (auto integer = dyn_cast<IntegerAttr>(attribute))
    return Numbers{getElement(integer.getValue())};
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return Numbers{getElement(number.getValue())};
  auto elements = dyn_cast<DenseElementsAttr>(attribute);
  if (!elements)
    return std::nullopt;
  if (isa<FloatType>(elements.getElementType()))
    return getNumbers<APFloat>(elements);
  return getNumbers<APInt>(elements);
}

/// A number, or the number of an enumerator.
static std::optional<int64_t> getInt(mlir::Attribute attribute) {
  return llvm::TypeSwitch<mlir::Attribute, std::optional<int64_t>>(attribute)
      .Case([](IntegerAttr attr) { return attr.getInt(); })
      .Case([](UnitAttr) { return 1; })
      .Case([](gpu::DimensionAttr attr) { return int64_t(attr.getValue()); })
      .Case([](tile::PrecisionAttr attr) { return int64_t(attr.getValue()); })
      .Case([](tile::ReduceKindAttr attr) { return int64_t(attr.getValue()); })
      .Default([](mlir::Attribute) { return std::nullopt; });
}

static std::optional<Ints> getInts(mlir::Attribute attribute) {
  Ints ints;
  if (auto wide = dyn_cast<DenseI64ArrayAttr>(attribute))
    llvm::append_range(ints, llvm::map_range(wide.asArrayRef(), orDynamic));
  else if (auto narrow = dyn_cast<DenseI32ArrayAttr>(attribute))
    llvm::append_range(ints, narrow.asArrayRef());
  else
    return std::nullopt;
  return ints;
}

static std::optional<std::string> getString(mlir::Attribute attribute) {
  if (auto string = dyn_cast<StringAttr>(attribute))
    return string.str();
  if (auto symbol = dyn_cast<FlatSymbolRefAttr>(attribute))
    return symbol.getValue().str();
  return std::nullopt;
}

/// An attribute in the form that the reference reads it, or nothing.
static std::optional<heddle::reference::Attribute>
getAttribute(mlir::Attribute attribute, AttributeKind kind) {
  switch (kind) {
  case AttributeKind::Int:
    return getInt(attribute);
  case AttributeKind::Ints:
    return getInts(attribute);
  case AttributeKind::String:
    return getString(attribute);
  case AttributeKind::Numbers:
    return getNumbers(attribute);
  }
  llvm_unreachable("all kinds are handled");
}

/// An attribute of the operation, as it is or as its methods tell.
static mlir::Attribute findAttribute(mlir::Operation *op, StringRef name) {
  auto subview = dyn_cast<memref::SubViewOp>(op);
  if (!subview || name != "dropped_dims")
    return op->getAttr(name);
  SmallVector<int64_t> dims(subview.getDroppedDims().set_bits());
  return DenseI64ArrayAttr::get(op->getContext(), dims);
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

namespace {
/// Translates functions one after the other; a kernel comes before its
/// launches.
class Translator {
public:
  LogicalResult translate(tile::HostOp host);
  Program program;

private:
  LogicalResult translate(tile::KernelOp kernel);
  /// Arguments and body. The function has its name.
  LogicalResult translateBody(FunctionOpInterface from, Function result);
  LogicalResult translate(mlir::Region &from,
                          heddle::reference::Region &result);
  LogicalResult translate(mlir::Operation *op,
                          heddle::reference::Operation &result);
  LogicalResult translateAttributes(mlir::Operation *op,
                                    heddle::reference::Operation &result);

  /// The number of a new value.
  uint32_t addValue(mlir::Value value, const heddle::reference::Type &type);
  heddle::reference::Location getLocation(mlir::Location location);

  /// The function that is being translated, and its values.
  Function *function = nullptr;
  llvm::DenseMap<mlir::Value, uint32_t> values;
  llvm::DenseMap<mlir::Type, uint32_t> types;
  llvm::DenseMap<StringAttr, uint32_t> files;
  llvm::SmallPtrSet<mlir::Operation *, 4> kernels;
  unsigned depth = 0;
};
} // namespace

uint32_t Translator::addValue(mlir::Value value,
                              const heddle::reference::Type &type) {
  auto [found, isNew] =
      types.try_emplace(value.getType(), uint32_t(program.types.size()));
  if (isNew)
    program.types.push_back(type);
  auto number = uint32_t(function->valueTypes.size());
  function->valueTypes.push_back(found->second);
  values[value] = number;
  return number;
}

heddle::reference::Location Translator::getLocation(mlir::Location location) {
  auto place = location->findInstanceOf<FileLineColLoc>();
  if (!place)
    return {};
  auto [found, isNew] =
      files.try_emplace(place.getFilename(), uint32_t(program.files.size()));
  if (isNew)
    program.files.push_back(place.getFilename().str());
  return {found->second, place.getLine(), place.getColumn()};
}

LogicalResult
Translator::translateAttributes(mlir::Operation *op,
                                heddle::reference::Operation &result) {
  for (const AttributeSpec &spec : result.definition->attributes) {
    mlir::Attribute attribute = findAttribute(op, spec.name);
    if (!attribute)
      continue;
    std::optional<heddle::reference::Attribute> translated =
        getAttribute(attribute, spec.kind);
    if (!translated)
      return op->emitError() << "the reference does not read '" << spec.name
                             << "' as " << attribute;
    result.attributes.emplace_back(spec.name, std::move(*translated));
  }
  return success();
}

LogicalResult Translator::translate(mlir::Operation *op,
                                    heddle::reference::Operation &result) {
  result.definition = Registry::get().find(op->getName().getStringRef());
  if (!result.definition)
    return op->emitError()
           << "the reference semantics do not cover this operation; they cover "
              "the tile dialect, scf, arithmetic and math on scalars and "
              "tiles, memref views and static tensors";
  result.location = getLocation(op->getLoc());
  for (mlir::Value operand : op->getOperands())
    result.operands.push_back(values.lookup(operand));
  for (mlir::Region &region : op->getRegions())
    if (failed(translate(region, result.regions.emplace_back())))
      return failure();
  for (mlir::Value value : op->getResults()) {
    std::optional<heddle::reference::Type> type = getType(value.getType());
    if (!type)
      return op->emitError()
             << "the reference does not know the type " << value.getType()
             << "; it knows f64, f32, tf32, f16, bf16, f8E4M3FN, f8E5M2, "
                "integers of up to 64 bits and index";
    if (std::string wrong = verifyType(*type); !wrong.empty())
      return op->emitError() << wrong << ", found " << value.getType();
    result.results.push_back(addValue(value, *type));
  }
  if (failed(translateAttributes(op, result)))
    return failure();
  std::string wrong = verifyOperation(program, *function, result);
  return wrong.empty() ? success() : op->emitError(wrong);
}

LogicalResult Translator::translate(mlir::Region &from,
                                    heddle::reference::Region &result) {
  if (from.empty())
    return success();
  mlir::Operation *parent = from.getParentOp();
  if (!from.hasOneBlock())
    return parent->emitError() << "the reference runs regions of one block";
  if (++depth > maxDepth)
    return parent->emitError() << "regions nest deeper than " << maxDepth;
  for (BlockArgument argument : from.getArguments()) {
    std::optional<heddle::reference::Type> type = getType(argument.getType());
    if (!type || !verifyType(*type).empty())
      return parent->emitError()
             << "the reference does not know the type " << argument.getType();
    result.arguments.push_back(addValue(argument, *type));
  }
  for (mlir::Operation &op : from.front())
    if (failed(translate(&op, result.operations.emplace_back())))
      return failure();
  --depth;
  return success();
}

LogicalResult Translator::translateBody(FunctionOpInterface from,
                                        Function result) {
  result.location = getLocation(from.getLoc());
  function = &result;
  depth = 0;
  values.clear();
  if (failed(translate(from.getFunctionBody(), result.body)))
    return failure();
  program.functions.push_back(std::move(result));
  return success();
}

LogicalResult Translator::translate(tile::KernelOp kernel) {
  Function result;
  result.name = kernel.getSymName().str();
  result.isKernel = true;
  return translateBody(kernel, std::move(result));
}

LogicalResult Translator::translate(tile::HostOp host) {
  for (auto launch : host.getBody().getOps<tile::LaunchOp>()) {
    auto kernel = SymbolTable::lookupNearestSymbolFrom<tile::KernelOp>(
        launch, launch.getCalleeAttr());
    if (kernels.insert(kernel).second && failed(translate(kernel)))
      return failure();
  }
  Function result;
  result.name = host.getSymName().str();
  for (unsigned i = 0; i < host.getNumSizes(); ++i)
    result.sizes.push_back(host.getSizeName(i).str());
  for (unsigned i = 0; i < host.getNumBuffers(); ++i) {
    SmallVector<int32_t> extents = host.getExtentSizes(i);
    result.buffers.push_back({host.getBufferName(i).str(),
                              Access(host.getAccess(i)),
                              Ints(extents.begin(), extents.end())});
  }
  return translateBody(host, std::move(result));
}

FailureOr<Program> heddle::reference::translateProgram(ModuleOp module) {
  Translator translator;
  for (tile::HostOp host : module.getOps<tile::HostOp>())
    if (failed(translator.translate(host)))
      return failure();
  return std::move(translator.program);
}

FailureOr<Program> heddle::reference::translateProgram(tile::HostOp host) {
  Translator translator;
  if (failed(translator.translate(host)))
    return failure();
  return std::move(translator.program);
}
