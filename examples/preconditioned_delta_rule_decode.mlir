// One token of the gated delta rule with preconditioned keys (preconditioned_delta_rule.mlir) for each of B sequences, whose states H are
// brought up to date. First come the sums of squares, from A0 to A1, and what scales keys, as in preconditioner.mlir:
// A1 = exp(G_ATK) A0 + BETA_ATK K^2, r = log(A1 + 1e-6) - CENTER, M = 1.5^(-r / (1 + |r|)). Then H <- exp(G) H,
// H <- H + (M * K) (BETA (V - H^T K))^T, O = H^T Q / sqrt(128). HV heads of values share HK heads of queries, keys and sums.
//
// A1 is a buffer of its own: blocks of all heads of values that share a sum read it, at any time.
//
//   heddle run examples/preconditioned_delta_rule_decode.mlir --size B=3 --size HK=1 --size HV=2 --input K=unit --input A0=uniform:0:1 --check
!keys = memref<?x?x128xbf16> // and queries
!values = memref<?x?x128xbf16> // and results
!gates = memref<?x?xf32> // and BETA; gates are natural logarithms
!sums = memref<?x?x128xf32>
!states = memref<?x?x128x128xf32>
!key16 = tensor<128xbf16>
!key = tensor<128xf32>
!value16 = tensor<32xbf16>
!value = tensor<32xf32>
!state = tensor<128x32xf32>
#columns = 32 : index // values of a block
#parts = 4 : index // blocks of a head

// A block has 32 columns of a state: enough blocks to read states at the speed of memory.
tile.kernel @step(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %BETA: !gates, %G_ATK: !gates, %BETA_ATK: !gates, %CENTER: memref<?xf32>,
                  %A0: !sums, %H: !states, %O: !values, %A1: !sums, %group: index) {
  %c0 = arith.constant 0 : index
  %columns = arith.constant #columns
  %x = gpu.block_id x
  %h = gpu.block_id y
  %b = gpu.block_id z
  %hk = arith.divui %h, %group : index
  %first = arith.muli %x, %columns : index
  %state = tile.load %H[%b, %h, %c0, %first] : !states -> !state
  %k16 = tile.load %K[%b, %hk, %c0] : !keys -> !key16
  %q16 = tile.load %Q[%b, %hk, %c0] : !keys -> !key16
  %v16 = tile.load %V[%b, %h, %first] : !values -> !value16
  %a0 = tile.load %A0[%b, %hk, %c0] : !sums -> !key
  %gate = memref.load %G[%b, %h] : !gates
  %beta = memref.load %BETA[%b, %h] : !gates
  %gate_atk = memref.load %G_ATK[%b, %hk] : !gates
  %beta_atk = memref.load %BETA_ATK[%b, %hk] : !gates
  %center_1 = memref.load %CENTER[%hk] : memref<?xf32>
  %log2e = arith.constant 1.44269504 : f32
  %exponent = arith.mulf %gate, %log2e : f32
  %decay = math.exp2 %exponent : f32
  %decay_s = tensor.splat %decay : !state
  %kept = arith.mulf %state, %decay_s : !state

  // The sum of squares, and the key that is written.
  %k = arith.extf %k16 : !key16 to !key
  %exponent_atk = arith.mulf %gate_atk, %log2e : f32
  %decay_atk_1 = math.exp2 %exponent_atk : f32
  %decay_atk = tensor.splat %decay_atk_1 : !key
  %kept_a = arith.mulf %a0, %decay_atk : !key
  %betas = tensor.splat %beta_atk : !key
  %square = arith.mulf %k, %k : !key
  %a = math.fma %square, %betas, %kept_a : !key
  %eps = arith.constant dense<1.0e-06> : !key
  %more = arith.addf %a, %eps : !key
  %log = math.log2 %more : !key
  %ln2 = arith.constant dense<0.693147181> : !key // hardware computes logarithms to the base of 2
  %minus_center_1 = arith.negf %center_1 : f32
  %minus_center = tensor.splat %minus_center_1 : !key
  %r = math.fma %log, %ln2, %minus_center : !key
  %one = arith.constant dense<1.0> : !key
  %size = math.absf %r : !key
  %whole = arith.addf %size, %one : !key
  %part = arith.divf %r, %whole : !key
  %minus_log2x = arith.constant dense<-0.584962501> : !key // of x = 1.5
  %power = arith.mulf %part, %minus_log2x : !key
  %m = math.exp2 %power : !key
  %written = arith.mulf %k, %m : !key
  %written_s = tile.broadcast %written axes [1] : !key -> !state
  %in_group = arith.remui %h, %group : index
  %of_head = arith.addi %in_group, %x : index
  %is_first = arith.cmpi eq, %of_head, %c0 : index
  scf.if %is_first {
    tile.store %a, %A1[%b, %hk, %c0] : !key, !sums
  }

  %none = arith.constant dense<0.0> : !value
  %k_s = tile.broadcast %k axes [1] : !key -> !state
  %by_key = arith.mulf %kept, %k_s : !state
  %known = tile.reduce add %by_key, %none axis 0 : !state -> !value
  %v = arith.extf %v16 : !value16 to !value
  %new = arith.subf %v, %known : !value
  %beta_v = tensor.splat %beta : !value
  %share = arith.mulf %new, %beta_v : !value
  %share_s = tile.broadcast %share axes [0] : !value -> !state
  %next = math.fma %written_s, %share_s, %kept : !state
  tile.store %next, %H[%b, %h, %c0, %first] : !state, !states

  %q = arith.extf %q16 : !key16 to !key
  %scale = arith.constant dense<0.0883883476> : !key // 1 / sqrt(128)
  %scaled = arith.mulf %q, %scale : !key
  %q_s = tile.broadcast %scaled axes [1] : !key -> !state
  %by_query = arith.mulf %next, %q_s : !state
  %o = tile.reduce add %by_query, %none axis 0 : !state -> !value
  %out = arith.truncf %o : !value to !value16
  tile.store %out, %O[%b, %h, %first] : !value16, !values
}

tile.host @preconditioned_delta_rule_decode[%B, %HK, %HV](%Q: !keys[%B, %HK], %K: !keys[%B, %HK], %V: !values[%B, %HV], %G: !gates[%B, %HV],
    %BETA: !gates[%B, %HV], %G_ATK: !gates[%B, %HK], %BETA_ATK: !gates[%B, %HK], %CENTER: memref<?xf32>[%HK], %A0: !sums[%B, %HK],
    inout %H: !states[%B, %HV], out %O: !values[%B, %HV], out %A1: !sums[%B, %HK]) {
  %none = arith.constant 0 : index
  %parts = arith.constant #parts
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  tile.launch @step grid(%parts, %HV, %B) args(%Q, %K, %V, %G, %BETA, %G_ATK, %BETA_ATK, %CENTER, %A0, %H, %O, %A1, %group)
    : !keys, !keys, !values, !gates, !gates, !gates, !gates, memref<?xf32>, !sums, !states, !values, !sums, index
}
