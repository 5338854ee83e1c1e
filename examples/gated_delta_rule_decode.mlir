// One token of the gated delta rule (gated_delta_rule.mlir) for each of B sequences, whose states H are brought up to date:
// H <- exp(G) H, H <- H + K (BETA (V - H^T K))^T, O = H^T Q / sqrt(128). HV heads of values share HK heads of queries and keys.
//
//   heddle run examples/gated_delta_rule_decode.mlir --size B=3 --size HK=1 --size HV=2 --check
!keys = memref<?x?x128xbf16> // and queries
!values = memref<?x?x128xbf16> // and results
!gates = memref<?x?xf32> // and BETA; gates are natural logarithms
!states = memref<?x?x128x128xf32>
!key16 = tensor<128xbf16>
!key = tensor<128xf32>
!value16 = tensor<32xbf16>
!value = tensor<32xf32>
!state = tensor<128x32xf32>
#columns = 32 : index // values of a block
#parts = 4 : index // blocks of a head

// A block has 32 columns of a state: enough blocks to read states at the speed of memory.
tile.kernel @step(%Q: !keys, %K: !keys, %V: !values, %G: !gates, %BETA: !gates, %H: !states, %O: !values, %group: index) {
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
  %gate = memref.load %G[%b, %h] : !gates
  %beta = memref.load %BETA[%b, %h] : !gates
  %log2e = arith.constant 1.44269504 : f32
  %exponent = arith.mulf %gate, %log2e : f32
  %decay = math.exp2 %exponent : f32
  %decay_s = tensor.splat %decay : !state
  %kept = arith.mulf %state, %decay_s : !state

  %none = arith.constant dense<0.0> : !value
  %k = arith.extf %k16 : !key16 to !key
  %k_s = tile.broadcast %k axes [1] : !key -> !state
  %by_key = arith.mulf %kept, %k_s : !state
  %known = tile.reduce add %by_key, %none axis 0 : !state -> !value
  %v = arith.extf %v16 : !value16 to !value
  %new = arith.subf %v, %known : !value
  %beta_v = tensor.splat %beta : !value
  %share = arith.mulf %new, %beta_v : !value
  %share_s = tile.broadcast %share axes [0] : !value -> !state
  %next = math.fma %k_s, %share_s, %kept : !state
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

tile.host @gated_delta_rule_decode[%B, %HK, %HV](%Q: !keys[%B, %HK], %K: !keys[%B, %HK], %V: !values[%B, %HV], %G: !gates[%B, %HV],
                                                 %BETA: !gates[%B, %HV], inout %H: !states[%B, %HV], out %O: !values[%B, %HV]) {
  %none = arith.constant 0 : index
  %parts = arith.constant #parts
  %rest = arith.remui %HV, %HK : index
  %divides = arith.cmpi eq, %rest, %none : index
  cf.assert %divides, "expected HV to be a multiple of HK"
  %group = arith.divui %HV, %HK : index
  tile.launch @step grid(%parts, %HV, %B) args(%Q, %K, %V, %G, %BETA, %H, %O, %group) : !keys, !keys, !values, !gates, !gates, !states, !values, index
}
