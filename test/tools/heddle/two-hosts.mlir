// RUN: %python %S/Inputs/expect_exit.py 2 heddle run %s 2>&1 | FileCheck %s
// RUN: heddle run %s --entry=second --device=reference
// CHECK: heddle: error: '{{.*}}two-hosts.mlir' has several host functions; choose one with --entry: first, second

tile.host @first() {
}
tile.host @second() {
}
