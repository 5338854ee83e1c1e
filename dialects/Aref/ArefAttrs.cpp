//===- ArefAttrs.cpp - Layouts --------------------------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Aref/Aref.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace heddle::aref;

#define GET_ATTRDEF_CLASSES
#include "dialects/Aref/ArefAttrs.cpp.inc"

void ArefDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Aref/ArefAttrs.cpp.inc"
      >();
}

/// Parses `[1, 2]` into `numbers`.
static ParseResult parseVector(AsmParser &parser,
                               SmallVectorImpl<int64_t> &numbers) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
    return parser.parseInteger(numbers.emplace_back());
  });
}

/// Parses `keyword = [[1, 0], [0, 1]]` into `numbers`, basis after basis.
static ParseResult parseBases(AsmParser &parser, StringRef keyword, size_t rank,
                              SmallVectorImpl<int64_t> &numbers) {
  if (parser.parseComma() || parser.parseKeyword(keyword) ||
      parser.parseEqual())
    return failure();
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Square, [&]() -> ParseResult {
        size_t before = numbers.size();
        SMLoc location = parser.getCurrentLocation();
        if (parseVector(parser, numbers))
          return failure();
        if (numbers.size() - before != rank)
          return parser.emitError(location)
                 << "expected a basis of " << rank << " numbers, found "
                 << numbers.size() - before;
        return success();
      });
}

Attribute LayoutAttr::parse(AsmParser &parser, Type) {
  SmallVector<int64_t> atom, registers, lanes, warps;
  if (parser.parseLess() || parser.parseKeyword("atom") ||
      parser.parseEqual() || parseVector(parser, atom) ||
      parseBases(parser, "register", atom.size(), registers) ||
      parseBases(parser, "lane", atom.size(), lanes) ||
      parseBases(parser, "warp", atom.size(), warps) || parser.parseGreater())
    return {};
  return parser.getChecked<LayoutAttr>(parser.getContext(), atom, registers,
                                       lanes, warps);
}

static void printBases(AsmPrinter &printer, StringRef keyword, size_t rank,
                       ArrayRef<int64_t> numbers) {
  printer << ", " << keyword << " = [";
  for (size_t i = 0; i < numbers.size(); i += rank) {
    printer << (i == 0 ? "[" : ", [");
    llvm::interleaveComma(numbers.slice(i, rank), printer);
    printer << ']';
  }
  printer << ']';
}

void LayoutAttr::print(AsmPrinter &printer) const {
  size_t rank = getAtom().size();
  printer << "<atom = [";
  llvm::interleaveComma(getAtom(), printer);
  printer << ']';
  printBases(printer, "register", rank, getRegisters());
  printBases(printer, "lane", rank, getLanes());
  printBases(printer, "warp", rank, getWarps());
  printer << '>';
}

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> atom,
                                 ArrayRef<int64_t> registers,
                                 ArrayRef<int64_t> lanes,
                                 ArrayRef<int64_t> warps) {
  if (atom.empty())
    return emitError() << "expected an atom of rank 1 or more";
  for (int64_t extent : atom)
    if (extent <= 0 || !llvm::isPowerOf2_64(extent))
      return emitError() << "expected atom extents that are powers of two, "
                            "found "
                         << extent;
  size_t rank = atom.size();
  if (registers.size() % rank || lanes.size() % rank || warps.size() % rank)
    return emitError() << "expected bases of " << rank << " numbers";
  if (lanes.size() != 5 * rank)
    return emitError() << "expected 5 lane bases, found "
                       << lanes.size() / rank;
  // Together the bases must cover the atom once: each power of two below each
  // extent occurs exactly once.
  SmallVector<int64_t> covered(rank, 0);
  for (ArrayRef<int64_t> bases : {registers, lanes, warps}) {
    for (size_t i = 0; i < bases.size(); i += rank) {
      int64_t nonZero = 0;
      for (size_t dim = 0; dim < rank; ++dim) {
        int64_t step = bases[i + dim];
        if (step == 0)
          continue;
        ++nonZero;
        if (step < 0 || !llvm::isPowerOf2_64(step) || step >= atom[dim] ||
            (covered[dim] & step))
          return emitError()
                 << "expected each power of two below " << atom[dim]
                 << " once in dimension " << dim << ", found " << step;
        covered[dim] |= step;
      }
      if (nonZero > 1)
        return emitError() << "expected bases along one dimension each";
    }
  }
  for (size_t dim = 0; dim < rank; ++dim)
    if (covered[dim] != atom[dim] - 1)
      return emitError() << "expected bases that cover the " << atom[dim]
                         << " elements of dimension " << dim;
  return success();
}
