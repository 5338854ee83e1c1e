//===- Digest.cpp - Hashes of packages and their parts --------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Format.h"
#include "heddle/Runtime/Package.h"

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace heddle;

package::Digest
package::computeDigest(std::initializer_list<std::string_view> parts) {
  XXH3_state_t state;
  XXH3_INITSTATE(&state);
  XXH3_128bits_reset(&state);
  for (std::string_view part : parts)
    XXH3_128bits_update(&state, part.data(), part.size());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
  Digest digest;
  static_assert(sizeof(digest) == sizeof(canonical));
  std::memcpy(digest.data(), canonical.digest, sizeof(digest));
  return digest;
}

std::string heddle::getContentHash(std::string_view bytes) {
  std::string hash;
  for (char byte : package::computeDigest({bytes}))
    hash += fmt::format("{:02x}", uint8_t(byte));
  return hash;
}
