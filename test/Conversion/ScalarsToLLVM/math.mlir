// RUN: heddle-opt %s --convert-scalars-to-llvm --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: llvm.func @functions
llvm.func @functions(%x: f32, %h: bf16, %n: i64) -> f32 {
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"
  %0 = math.exp2 %x : f32
  // CHECK: %[[SCALED:.*]] = llvm.fmul %{{.*}}, %{{.*}}
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"(%[[SCALED]])
  %1 = math.exp %0 : f32
  // CHECK: %[[LOG:.*]] = llvm.call_intrinsic "llvm.nvvm.lg2.approx.f"
  // CHECK: llvm.fmul %[[LOG]]
  %2 = math.log %1 : f32
  // CHECK: llvm.call_intrinsic "llvm.nvvm.rsqrt.approx.f"
  %3 = math.rsqrt %2 : f32
  // CHECK: llvm.intr.sqrt
  %4 = math.sqrt %3 : f32
  // A bf16 goes through f32.
  // CHECK: llvm.fpext %{{.*}} : bf16 to f32
  // CHECK: llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f32"
  // CHECK: llvm.fptrunc %{{.*}} : f32 to bf16
  %5 = math.exp2 %h : bf16
  %6 = arith.extf %5 : bf16 to f32
  // No function is called.
  // CHECK-NOT: llvm.call @
  // CHECK-NOT: math.
  %7 = math.tanh %4 : f32
  %8 = math.erf %7 : f32
  %9 = math.sin %8 : f32
  %10 = math.powf %9, %6 : f32
  // Loops become branches, an index 64 bits.
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %to = arith.index_cast %n : i64 to index
  // CHECK: ^{{.*}}(%{{.*}}: i64, %{{.*}}: f32)
  // CHECK: llvm.cond_br
  %11 = scf.for %i = %c0 to %to step %c1 iter_args(%a = %10) -> f32 {
    %b = arith.addf %a, %x : f32
    scf.yield %b : f32
  }
  llvm.return %11 : f32
}

// The division in tanh is by a reciprocal, what the author divides is not.
// CHECK-LABEL: llvm.func @tanh
llvm.func @tanh(%x: f32, %h: f16) -> f32 {
  // CHECK-NOT: llvm.fdiv
  // CHECK: %[[RCP:.*]] = llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"
  // CHECK: llvm.fmul %{{.*}}, %[[RCP]]
  // CHECK-NOT: llvm.fdiv
  %0 = math.tanh %x : f32
  // CHECK: llvm.fdiv
  %1 = arith.divf %0, %x : f32
  // CHECK: llvm.fpext %{{.*}} : f16 to f32
  // CHECK-NOT: llvm.fdiv
  // CHECK: llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"
  // CHECK: llvm.fptrunc %{{.*}} : f32 to f16
  %2 = math.tanh %h : f16
  // CHECK-NOT: llvm.fdiv
  // CHECK: llvm.return
  %3 = arith.extf %2 : f16 to f32
  %4 = arith.addf %1, %3 : f32
  llvm.return %4 : f32
}

// -----

llvm.func @double(%x: f64) -> f64 {
  // expected-error @+1 {{cannot compute 'f64' on this target; f32 is supported for most functions}}
  %0 = math.exp %x : f64
  llvm.return %0 : f64
}

// -----

// The lower bound first: with the bounds the other way round, every number
// would become one of them.
// CHECK-LABEL: llvm.func @clamp
// CHECK-SAME: (%[[X:.*]]: f32, %[[LOW:.*]]: f32, %[[HIGH:.*]]: f32)
llvm.func @clamp(%x: f32, %low: f32, %high: f32) -> f32 {
  // CHECK: %[[RAISED:.*]] = llvm.intr.maximum(%[[X]], %[[LOW]])
  // CHECK: llvm.intr.minimum(%[[RAISED]], %[[HIGH]])
  %0 = math.clampf %x to [%low, %high] : f32
  llvm.return %0 : f32
}
