// RUN: heddle-opt %s -inline-functions --verify-diagnostics --split-input-file

// expected-error@+1 {{expected '@none' to have a body, which its calls become}}
func.func private @none(%i: index) -> index

// -----

// expected-error@+1 {{expected '@jumps' to have one block, found 3; scf.if, scf.for and arith.select would work}}
func.func @jumps(%yes: i1) -> index {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  cf.cond_br %yes, ^one, ^two
^one:
  return %c0 : index
^two:
  return %c1 : index
}

// -----

func.func @endless() -> i32 {
  // expected-error@+1 {{expected '@endless' to end with func.return}}
  ub.unreachable
}

// -----

func.func @outer() {
  return
}
module {
  // expected-error@+1 {{expected '@inner' next to the kernels, in the outermost module}}
  func.func @inner() {
    return
  }
}

// -----

func.func @self(%i: index) {
  // expected-error@+1 {{functions are inlined, so none can call itself, but '@self' calls '@self'; scf.for would work}}
  call @self(%i) : (index) -> ()
  return
}

// -----

func.func @start(%i: index) {
  call @even(%i) : (index) -> ()
  return
}
func.func @even(%i: index) {
  call @odd(%i) : (index) -> ()
  return
}
func.func @odd(%i: index) {
  %c0 = arith.constant 0 : index
  %some = arith.cmpi ne, %i, %c0 : index
  scf.if %some {
    // expected-error@+1 {{functions are inlined, so none can call itself, but '@even' calls '@odd' calls '@even'; scf.for would work}}
    func.call @even(%i) : (index) -> ()
  }
  return
}

// -----

func.func @f() {
  return
}
tile.kernel @value(%i: index) {
  // expected-error@+1 {{functions are called by their names, by func.call}}
  %f = func.constant @f : () -> ()
  func.call_indirect %f() : () -> ()
}
