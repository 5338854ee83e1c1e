//===- PackMasks.cpp - A thread's part of a mask as bits ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"

namespace heddle {
#define GEN_PASS_DEF_PACKMASKS
#include "lib/Transforms/Passes.h.inc"
} // namespace heddle

using namespace mlir;
using namespace heddle;

/// With fewer, the words cost more than the comparisons that they replace.
static constexpr size_t leastElements = 16;
/// Bits of a word.
static constexpr size_t mostElements = 32;
/// Comparisons of one condition; there are rarely more than four.
static constexpr size_t mostComparisons = 8;

namespace {

/// A test of one bit: `word >> (position & (modulus - 1)) & 1`, where the word
/// has that many bits at least.
struct BitTest {
  Value word;
  Value position;
  /// A power of two, at most 64.
  uint32_t modulus;
  /// Whether the test is for a bit that is not set.
  bool isInverted;

  static std::optional<BitTest> match(Value condition);
};

/// A comparison in the condition of one select. Both sides are a constant and
/// terms, modulo 2^32. A test of a bit has its position on the left only.
struct Comparison {
  Value condition;
  std::array<uint32_t, 2> constants;
};

/// A select, and the comparisons of its condition from left to right.
struct Element {
  arith::SelectOp select;
  SmallVector<Comparison, 2> comparisons;
};

/// What conditions have in common: their operations, and the terms of what
/// they compare, without the constants.
using Shape = std::vector<uintptr_t>;

/// Reads conditions.
class ConditionReader {
public:
  /// Appends `condition` to `shape` and `comparisons`.
  void read(Value condition);

  Shape shape;
  SmallVector<Comparison, 2> comparisons;
  /// Whether all that is compared is constants, so that nothing is left to do
  /// at run time.
  bool isKnown = true;

private:
  /// Appends the terms of a 32-bit number; returns its constant.
  uint32_t readSum(Value number);
  void addTerms(Value number, uint32_t factor,
                SmallVectorImpl<std::pair<uintptr_t, uint32_t>> &terms,
                uint32_t &constant);
};

/// How far numbers that ascend lie above the first of them: bit k of a
/// number's place adds 2^shifts[k].
struct Steps {
  SmallVector<unsigned, 5> shifts;
  /// The last offset.
  uint32_t end = 0;

  /// Finds the steps of `numbers`, if they ascend so.
  static std::optional<Steps> find(ArrayRef<uint32_t> numbers);
};

/// Computes words whose bit i says what a condition is for element i.
class WordEmitter {
public:
  WordEmitter(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {}

  /// i32: for which elements the conditions hold of which `condition` is the
  /// first element's. `comparison` counts comparisons.
  Value emit(Value condition, ArrayRef<Element> elements, size_t &comparison);

private:
  Value getConstant(uint32_t value) {
    return arith::ConstantIntOp::create(builder, loc, int32_t(value), 32);
  }
  template <typename OpT>
  Value emitWith(Value value, uint32_t constant) {
    return builder.createOrFold<OpT>(loc, value, getConstant(constant));
  }
  /// The elements whose offset is below `limit`, without a sign.
  Value emitBelow(Value limit, const Steps &steps);
  Value emitComparison(ArrayRef<Element> elements, size_t comparison);
  /// The bits of `word`, 32 of them, at the sums of 2^shifts, side by side.
  Value emitGather(Value word, ArrayRef<unsigned> shifts);
  Value emitBits(const BitTest &test, ArrayRef<Element> elements,
                 size_t comparison);

  OpBuilder &builder;
  Location loc;
};

} // namespace

//===----------------------------------------------------------------------===//
// Which selects belong together
//===----------------------------------------------------------------------===//

static bool isMaskOperation(Operation *op) {
  return isa_and_nonnull<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op);
}

static arith::CmpIOp getOrderedComparison(Value condition) {
  auto op = condition.getDefiningOp<arith::CmpIOp>();
  return op && op.getLhs().getType().isInteger(32) &&
                 op.getPredicate() != arith::CmpIPredicate::eq &&
                 op.getPredicate() != arith::CmpIPredicate::ne
             ? op
             : arith::CmpIOp();
}

/// The constant that `value` is, if it has 64 bits or less.
static std::optional<uint64_t> getConstantBits(Value value) {
  APInt constant;
  if (!matchPattern(value, m_ConstantInt(&constant)) ||
      constant.getBitWidth() > 64)
    return std::nullopt;
  return constant.getZExtValue();
}

std::optional<BitTest> BitTest::match(Value condition) {
  // word >> amount & 1 or word & 1 << amount, compared with zero; or the lowest
  // bit of word >> amount.
  Value word, amount;
  auto matchShift = [&](Value value) {
    if (auto shift = value.getDefiningOp<arith::ShRUIOp>()) {
      word = shift.getLhs();
      amount = shift.getRhs();
    }
  };
  bool isInverted = false;
  if (auto lowest = condition.getDefiningOp<arith::TruncIOp>())
    matchShift(lowest.getIn());
  if (auto compare = condition.getDefiningOp<arith::CmpIOp>();
      compare && getConstantBits(compare.getRhs()) == 0) {
    using Predicate = arith::CmpIPredicate;
    isInverted = compare.getPredicate() == Predicate::eq;
    auto masked = compare.getLhs().getDefiningOp<arith::AndIOp>();
    if (!masked || (!isInverted && compare.getPredicate() != Predicate::ne))
      return std::nullopt;
    for (unsigned i : {0, 1}) {
      Value value = masked->getOperand(i), other = masked->getOperand(1 - i);
      if (getConstantBits(other) == 1)
        matchShift(value);
      if (auto shift = value.getDefiningOp<arith::ShLIOp>();
          shift && getConstantBits(shift.getLhs()) == 1) {
        word = other;
        amount = shift.getRhs();
      }
    }
  }
  if (!word || !(word.getType().isInteger(32) || word.getType().isInteger(64)))
    return std::nullopt;
  if (auto extended = amount.getDefiningOp<arith::ExtUIOp>())
    amount = extended.getIn();
  auto wrapped = amount.getDefiningOp<arith::AndIOp>();
  if (!wrapped || !amount.getType().isInteger(32))
    return std::nullopt;
  std::optional<uint64_t> last = getConstantBits(wrapped.getRhs());
  if (!last || !llvm::isPowerOf2_64(*last + 1) ||
      *last >= word.getType().getIntOrFloatBitWidth())
    return std::nullopt;
  return BitTest{word, wrapped.getLhs(), uint32_t(*last) + 1, isInverted};
}

void ConditionReader::addTerms(
    Value number, uint32_t factor,
    SmallVectorImpl<std::pair<uintptr_t, uint32_t>> &terms,
    uint32_t &constant) {
  APInt value;
  if (matchPattern(number, m_ConstantInt(&value))) {
    constant += factor * uint32_t(value.getZExtValue());
  } else if (auto add = number.getDefiningOp<arith::AddIOp>()) {
    addTerms(add.getLhs(), factor, terms, constant);
    addTerms(add.getRhs(), factor, terms, constant);
  } else if (auto sub = number.getDefiningOp<arith::SubIOp>()) {
    addTerms(sub.getLhs(), factor, terms, constant);
    addTerms(sub.getRhs(), 0 - factor, terms, constant);
  } else {
    terms.emplace_back(uintptr_t(number.getAsOpaquePointer()), factor);
  }
}

uint32_t ConditionReader::readSum(Value number) {
  SmallVector<std::pair<uintptr_t, uint32_t>> terms;
  uint32_t constant = 0;
  addTerms(number, 1, terms, constant);
  llvm::sort(terms);
  isKnown &= terms.empty();
  shape.push_back(terms.size());
  for (auto [term, factor] : terms)
    llvm::append_range(shape, ArrayRef<uintptr_t>{term, factor});
  return constant;
}

void ConditionReader::read(Value condition) {
  enum Kind : uintptr_t { Flag, Fixed, Compare, Combine, Test };
  Attribute fixed;
  if (Operation *op = condition.getDefiningOp();
      isMaskOperation(op) && comparisons.size() <= mostComparisons) {
    shape.push_back(Kind::Combine);
    shape.push_back(uintptr_t(op->getName().getAsOpaquePointer()));
    read(op->getOperand(0));
    read(op->getOperand(1));
  } else if (arith::CmpIOp op = getOrderedComparison(condition)) {
    shape.push_back(Kind::Compare);
    shape.push_back(uintptr_t(op.getPredicate()));
    uint32_t left = readSum(op.getLhs());
    comparisons.push_back({condition, {left, readSum(op.getRhs())}});
  } else if (auto test = BitTest::match(condition)) {
    isKnown = false;
    llvm::append_range(
        shape, ArrayRef<uintptr_t>{
                   Kind::Test, uintptr_t(test->word.getAsOpaquePointer()),
                   uintptr_t(test->modulus), uintptr_t(test->isInverted)});
    comparisons.push_back({condition, {readSum(test->position), 0}});
  } else if (matchPattern(condition, m_Constant(&fixed))) {
    shape.push_back(Kind::Fixed);
    shape.push_back(uintptr_t(fixed.getAsOpaquePointer()));
  } else {
    isKnown = false;
    shape.push_back(Kind::Flag);
    shape.push_back(uintptr_t(condition.getAsOpaquePointer()));
  }
}

/// The side of a comparison that differs most between elements.
static unsigned getVaryingSide(ArrayRef<Element> elements, size_t comparison) {
  std::array<llvm::SmallDenseSet<uint64_t>, 2> found;
  for (const Element &element : elements) {
    for (unsigned side : {0, 1})
      found[side].insert(element.comparisons[comparison].constants[side]);
  }
  return found[1].size() > found[0].size();
}

/// Whether all elements compare the same numbers.
static bool isSame(ArrayRef<Element> elements, size_t comparison) {
  return llvm::all_of(elements, [&](const Element &element) {
    return element.comparisons[comparison].constants ==
           elements[0].comparisons[comparison].constants;
  });
}

/// Parts `elements`, of one shape, into such that differ on one side of each
/// comparison only, in ascending order.
static SmallVector<SmallVector<Element>> split(ArrayRef<Element> elements) {
  size_t count = elements[0].comparisons.size();
  SmallVector<unsigned> sides;
  for (size_t i = 0; i != count; ++i)
    sides.push_back(getVaryingSide(elements, i));
  std::map<std::vector<uint32_t>, size_t> places;
  SmallVector<SmallVector<Element>> groups;
  for (const Element &element : elements) {
    std::vector<uint32_t> fixed;
    for (auto [comparison, side] : llvm::zip(element.comparisons, sides))
      fixed.push_back(comparison.constants[1 - side]);
    auto [at, isNew] = places.try_emplace(fixed, groups.size());
    if (isNew)
      groups.emplace_back();
    groups[at->second].push_back(element);
  }
  for (SmallVector<Element> &group : groups) {
    llvm::sort(group, [&](const Element &a, const Element &b) {
      for (size_t i = 0; i != count; ++i) {
        int32_t x = a.comparisons[i].constants[sides[i]];
        int32_t y = b.comparisons[i].constants[sides[i]];
        if (x != y)
          return x < y;
      }
      return false;
    });
  }
  return groups;
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

std::optional<Steps> Steps::find(ArrayRef<uint32_t> numbers) {
  Steps steps;
  for (size_t place = 1; place < numbers.size(); place *= 2) {
    uint32_t step = numbers[place] - numbers[0];
    // Above everything that lower bits add.
    if (!llvm::isPowerOf2_32(step) || step <= steps.end)
      return std::nullopt;
    steps.shifts.push_back(llvm::Log2_32(step));
    steps.end += step;
  }
  for (auto [place, number] : llvm::enumerate(numbers)) {
    uint32_t offset = 0;
    for (auto [bit, shift] : llvm::enumerate(steps.shifts))
      offset += (place >> bit & 1) << shift;
    if (number - numbers[0] != offset)
      return std::nullopt;
    steps.end = offset;
  }
  return steps;
}

Value WordEmitter::emitBelow(Value limit, const Steps &steps) {
  limit = emitWith<arith::MinUIOp>(limit, steps.end + 1);
  // How many places of the bits below `bit` are below the limit's own bits
  // below `shift`.
  Value count;
  size_t bit = 0;
  auto addField = [&](unsigned shift, std::optional<unsigned> next) {
    Value field = shift ? emitWith<arith::ShRUIOp>(limit, shift) : limit;
    if (next)
      field = emitWith<arith::AndIOp>(field, (1u << (*next - shift)) - 1);
    if (count)
      field = builder.createOrFold<arith::AddIOp>(
          loc, emitWith<arith::ShLIOp>(field, bit), count);
    count = field;
  };
  if (steps.shifts.front() != 0) {
    addField(0, steps.shifts.front());
    count = emitWith<arith::MinUIOp>(count, 1);
  }
  while (bit != steps.shifts.size()) {
    // Bits of a place that are bits side by side of an offset.
    size_t end = bit + 1;
    while (end != steps.shifts.size() &&
           steps.shifts[end] == steps.shifts[end - 1] + 1)
      ++end;
    bool isLast = end == steps.shifts.size();
    addField(steps.shifts[bit],
             isLast ? std::nullopt : std::optional(steps.shifts[end]));
    if (!isLast)
      count = emitWith<arith::MinUIOp>(count, 1u << end);
    bit = end;
  }
  // LLVM would turn tests of shifted ones back into comparisons.
  return LLVM::InlineAsmOp::create(
             builder, loc, TypeRange(builder.getI32Type()), count,
             builder.getStringAttr("bmsk.clamp.b32 $0, 0, $1;"),
             builder.getStringAttr("=r,r"), /*has_side_effects=*/nullptr,
             /*is_align_stack=*/nullptr, LLVM::TailCallKindAttr(),
             /*asm_dialect=*/nullptr, /*operand_attrs=*/nullptr)
      .getResult(0);
}

Value WordEmitter::emitComparison(ArrayRef<Element> elements,
                                  size_t comparison) {
  arith::CmpIOp op =
      getOrderedComparison(elements[0].comparisons[comparison].condition);
  unsigned side = getVaryingSide(elements, comparison);
  SmallVector<uint32_t> numbers;
  for (const Element &element : elements)
    numbers.push_back(element.comparisons[comparison].constants[side]);
  Steps steps = *Steps::find(numbers);
  Value first = op->getOperand(side), bound = op->getOperand(1 - side);

  // first + offset < bound, or <=, or the opposite.
  using Predicate = arith::CmpIPredicate;
  Predicate predicate = op.getPredicate();
  bool isSigned = llvm::is_contained(
      {Predicate::slt, Predicate::sle, Predicate::sgt, Predicate::sge},
      predicate);
  bool isLess = llvm::is_contained(
      {Predicate::slt, Predicate::sle, Predicate::ult, Predicate::ule},
      predicate);
  bool isStrict = llvm::is_contained(
      {Predicate::slt, Predicate::sgt, Predicate::ult, Predicate::ugt},
      predicate);
  // What varies on the right is smaller where the bound is greater.
  if (side == 1)
    isLess = !isLess;

  // Sums wrap around, so that the offsets for which this holds are those from
  // `least - first`, where the smallest number is, up to `bound - first`, on
  // the circle of 2^32 numbers.
  Value least = getConstant(isSigned ? 1u << 31 : 0);
  Value begin = builder.createOrFold<arith::SubIOp>(loc, least, first);
  Value end = builder.createOrFold<arith::SubIOp>(loc, bound, first);
  bool isClosed = isLess != isStrict;
  if (isClosed)
    end = emitWith<arith::AddIOp>(end, 1);
  Value behind = emitWith<arith::XOrIOp>(emitBelow(begin, steps), ~0u);
  Value before = emitBelow(end, steps);
  Value both = builder.createOrFold<arith::AndIOp>(loc, behind, before);
  Value either = builder.createOrFold<arith::OrIOp>(loc, behind, before);
  // From a number to itself: nothing, unless the end belongs to it.
  Value isOrdered = arith::CmpIOp::create(
      builder, loc, isClosed ? Predicate::ult : Predicate::ule, begin, end);
  Value word = arith::SelectOp::create(builder, loc, isOrdered, both, either);
  return isLess ? word : emitWith<arith::XOrIOp>(word, ~0u);
}

Value WordEmitter::emitGather(Value word, ArrayRef<unsigned> shifts) {
  // Of those bits that are at the sums of 2^shifts[k] for k >= i and of the
  // 2^k below, which of them are wanted.
  auto getMask = [&](size_t i) {
    uint32_t mask = 1;
    for (size_t k = shifts.size(); k-- > i;)
      mask |= mask << (1u << shifts[k]);
    for (size_t k = 0; k < i; ++k)
      mask |= mask << (1u << k);
    return mask;
  };
  word = emitWith<arith::AndIOp>(word, getMask(0));
  for (auto [i, shift] : llvm::enumerate(shifts)) {
    if (shift == i)
      continue;
    Value moved = emitWith<arith::ShRUIOp>(word, (1u << shift) - (1u << i));
    word = emitWith<arith::AndIOp>(
        builder.createOrFold<arith::OrIOp>(loc, word, moved), getMask(i + 1));
  }
  return word;
}

Value WordEmitter::emitBits(const BitTest &test, ArrayRef<Element> elements,
                            size_t comparison) {
  SmallVector<uint32_t> numbers;
  for (const Element &element : elements)
    numbers.push_back(element.comparisons[comparison].constants[0]);
  Steps steps = *Steps::find(numbers);

  // Words whose bit 0 is the first element's, so that the offsets of the others
  // are known.
  Type i32 = builder.getI32Type();
  Value first = test.word;
  if (first.getType() != i32)
    first = arith::TruncIOp::create(builder, loc, i32, first);
  Value second;
  if (test.modulus == 64) {
    Value upper = arith::ShRUIOp::create(
        builder, loc, test.word,
        arith::ConstantIntOp::create(builder, loc, 32, 64));
    second = arith::TruncIOp::create(builder, loc, i32, upper);
    Value swaps = arith::CmpIOp::create(
        builder, loc, arith::CmpIPredicate::ne,
        emitWith<arith::AndIOp>(test.position, 32), getConstant(0));
    Value low = first, high = second;
    first = arith::SelectOp::create(builder, loc, swaps, high, low);
    second = arith::SelectOp::create(builder, loc, swaps, low, high);
  }
  // Fewer bits than a register has are there again and again.
  if (test.modulus < 32)
    first = emitWith<arith::AndIOp>(first, (1u << test.modulus) - 1);
  for (uint32_t known = test.modulus; known < 32; known *= 2)
    first = builder.createOrFold<arith::OrIOp>(
        loc, first, emitWith<arith::ShLIOp>(first, known));
  if (!second)
    second = first;
  auto rotate = [&](Value upper, Value lower) -> Value {
    return LLVM::FshrOp::create(builder, loc, i32, upper, lower, test.position);
  };

  SmallVector<unsigned> inWord;
  for (unsigned shift : steps.shifts)
    if (shift < 5)
      inWord.push_back(shift);
  Value word = emitGather(rotate(second, first), inWord);
  for (size_t i = inWord.size(); i < steps.shifts.size(); ++i) {
    bool isOther = test.modulus == 64 && steps.shifts[i] == 5;
    Value more = isOther ? emitGather(rotate(first, second), inWord) : word;
    word = builder.createOrFold<arith::OrIOp>(
        loc, word, emitWith<arith::ShLIOp>(more, 1u << i));
  }
  return test.isInverted ? emitWith<arith::XOrIOp>(word, ~0u) : word;
}

Value WordEmitter::emit(Value condition, ArrayRef<Element> elements,
                        size_t &comparison) {
  Operation *op = condition.getDefiningOp();
  if (isMaskOperation(op) && comparison <= mostComparisons) {
    Value left = emit(op->getOperand(0), elements, comparison);
    Value right = emit(op->getOperand(1), elements, comparison);
    OperationState state(loc, op->getName(), {left, right}, left.getType());
    return builder.create(state)->getResult(0);
  }
  if (getOrderedComparison(condition)) {
    size_t current = comparison++;
    if (!isSame(elements, current))
      return emitComparison(elements, current);
  } else if (auto test = BitTest::match(condition)) {
    size_t current = comparison++;
    if (!isSame(elements, current))
      return emitBits(*test, elements, current);
  }
  return arith::ExtSIOp::create(builder, loc, builder.getI32Type(), condition);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Whether words can be computed: every comparison's numbers ascend in steps,
/// and there is one whose numbers do.
static bool canPack(ArrayRef<Element> elements) {
  bool varies = false;
  for (size_t i = 0; i != elements[0].comparisons.size(); ++i) {
    if (isSame(elements, i))
      continue;
    unsigned side = getVaryingSide(elements, i);
    SmallVector<uint32_t> numbers;
    for (const Element &element : elements)
      numbers.push_back(element.comparisons[i].constants[side]);
    if (!Steps::find(numbers))
      return false;
    varies = true;
  }
  return varies;
}

/// Lets selects test a bit of one word, one after another: in that order, a
/// few instructions take all bits to predicates.
static void pack(ArrayRef<Element> elements) {
  Operation *first = elements[0].select;
  for (const Element &element : elements) {
    if (element.select->isBeforeInBlock(first))
      first = element.select;
  }
  auto isKnown = [&](Value value) {
    Operation *op = value.getDefiningOp();
    return !op || op->getBlock() != first->getBlock() ||
           op->isBeforeInBlock(first);
  };
  for (const Element &element : elements) {
    if (!llvm::all_of(element.select->getOperands(), isKnown))
      return;
  }
  if (!canPack(elements))
    return;
  arith::SelectOp lowest = elements[0].select;
  Value condition = lowest.getCondition();
  OpBuilder builder(first);
  size_t comparison = 0;
  Value word = WordEmitter(builder, condition.getLoc())
                   .emit(condition, elements, comparison);
  for (auto [place, element] : llvm::enumerate(elements)) {
    arith::SelectOp select = element.select;
    Location loc = select.getLoc();
    Value bit = arith::AndIOp::create(
        builder, loc, word,
        arith::ConstantIntOp::create(builder, loc, int32_t(1u << place), 32));
    Value zero = arith::ConstantIntOp::create(builder, loc, 0, 32);
    Value sees = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne,
                                       bit, zero);
    Value result = arith::SelectOp::create(
        builder, loc, sees, select.getTrueValue(), select.getFalseValue());
    select.replaceAllUsesWith(result);
  }
  for (const Element &element : elements)
    element.select->erase();
}

static void packBlock(Block &block) {
  std::map<Shape, size_t> places;
  SmallVector<SmallVector<Element>> groups;
  for (auto select : block.getOps<arith::SelectOp>()) {
    if (!select.getCondition().getType().isInteger(1))
      continue;
    ConditionReader reader;
    reader.read(select.getCondition());
    if (reader.comparisons.empty() || reader.isKnown)
      continue;
    auto [at, isNew] = places.try_emplace(reader.shape, groups.size());
    if (isNew)
      groups.emplace_back();
    groups[at->second].push_back({select, reader.comparisons});
  }
  for (ArrayRef<Element> group : groups) {
    for (ArrayRef<Element> elements : split(group)) {
      while (elements.size() >= leastElements) {
        pack(elements.take_front(mostElements));
        elements = elements.drop_front(std::min(mostElements, elements.size()));
      }
    }
  }
}

namespace {
struct PackMasks : heddle::impl::PackMasksBase<PackMasks> {
  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation()->walk([&](Block *block) { blocks.push_back(block); });
    for (Block *block : blocks)
      packBlock(*block);
  }
};
} // namespace
