#ifndef HEDDLE_TRANSFORMS_PASSES
#define HEDDLE_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

// In alphabetical order; `lib/Compiler/Pipeline.cpp` has the order in which they
// run.

#endif // HEDDLE_TRANSFORMS_PASSES
