//===- MbarrierAddress.h - Finding an mbarrier ------------------*- C++ -*-===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HEDDLE_VIRTUAL_INSTRUCTIONS_MBARRIERADDRESS_H
#define HEDDLE_VIRTUAL_INSTRUCTIONS_MBARRIERADDRESS_H

#include "decode/Decoder.h"
#include "engine/Cta.h"

namespace heddle::vgpu {

/// The address operand of an mbarrier instruction.
struct MbarrierAddress : Payload {
  uint32_t slot = 0;
  bool wide = false;
  bool generic = false;
  bool crossCta = false;
  int64_t offset = 0;
};

/// Decodes `operand`; `generic` and `crossCta` are set by the caller before.
void decodeMbarrierAddress(Decoder &decoder, const Operand &operand,
                           MbarrierAddress &address);

struct MbarrierPlace {
  Cta *cta = nullptr;
  uint32_t offset = 0;
};

/// The CTA and offset that `lane` means.
Checked<MbarrierPlace>
locateMbarrier(Warp &warp, const MbarrierAddress &address, uint32_t lane);

} // namespace heddle::vgpu

#endif // HEDDLE_VIRTUAL_INSTRUCTIONS_MBARRIERADDRESS_H
