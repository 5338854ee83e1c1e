//===- CublasLt.cpp - A matrix product of cuBLASLt -----------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The library is opened at run time and its interface declared here, since a
/// machine may have the one and not the other. Numbers and layouts are those of
/// cublasLt.h, which keeps them from version to version.
///
//===----------------------------------------------------------------------===//

#include "CublasLt.h"

#include "Elements.h"

#include <algorithm>
#include <dlfcn.h>
#include <fmt/format.h>

using namespace heddle;
using namespace heddle::gpucheck;

namespace {

using Status = int;
using Handle = void *;

/// cublasLtMatmulHeuristicResult_t.
struct Heuristic {
  uint64_t algorithm[8];
  size_t workspaceBytes;
  Status state;
  float waves;
  int reserved[4];
};

enum MatmulAttribute : int {
  TransposeA = 3,
  TransposeB = 4,
  EpilogueAttribute = 7,
  BiasPointer = 8,
  FastAccumulation = 25,
  BiasDataType = 26,
};
enum LayoutAttribute : int { BatchCount = 5, BatchStride = 6 };
enum PreferenceAttribute : int { MaxWorkspaceBytes = 1 };
enum Transpose : int32_t { NotTransposed = 0, Transposed = 1 };
constexpr int32_t geluBiasEpilogue = 36;
constexpr size_t workspaceBytes = size_t(32) << 20;
constexpr int maxAlgorithms = 8;
constexpr int turns = 9;

#define CUBLASLT_FUNCTIONS(X)                                                  \
  X(Create, Status (*)(Handle *))                                              \
  X(Destroy, Status (*)(Handle))                                               \
  X(GetVersion, size_t (*)())                                                  \
  X(MatmulDescCreate, Status (*)(Handle *, int compute, int scale))            \
  X(MatmulDescDestroy, Status (*)(Handle))                                     \
  X(MatmulDescSetAttribute,                                                    \
    Status (*)(Handle, int, const void *, size_t bytes))                       \
  X(MatrixLayoutCreate,                                                        \
    Status (*)(Handle *, int type, uint64_t rows, uint64_t cols, int64_t ld))  \
  X(MatrixLayoutDestroy, Status (*)(Handle))                                   \
  X(MatrixLayoutSetAttribute,                                                  \
    Status (*)(Handle, int, const void *, size_t bytes))                       \
  X(MatmulPreferenceCreate, Status (*)(Handle *))                              \
  X(MatmulPreferenceDestroy, Status (*)(Handle))                               \
  X(MatmulPreferenceSetAttribute,                                              \
    Status (*)(Handle, int, const void *, size_t bytes))                       \
  X(MatmulAlgoGetHeuristic,                                                    \
    Status (*)(Handle, Handle matmul, Handle a, Handle b, Handle c, Handle d,  \
               Handle preference, int wanted, Heuristic *, int *found))        \
  X(Matmul,                                                                    \
    Status (*)(Handle, Handle matmul, const void *alpha, uint64_t a,           \
               Handle aLayout, uint64_t b, Handle bLayout, const void *beta,   \
               uint64_t c, Handle cLayout, uint64_t d, Handle dLayout,         \
               const void *algorithm, uint64_t workspace,                      \
               size_t workspaceBytes, void *stream))

struct Library {
#define DECLARE(NAME, ...) std::type_identity_t<__VA_ARGS__> NAME = nullptr;
  CUBLASLT_FUNCTIONS(DECLARE)
#undef DECLARE
  std::string path;
};

} // namespace

/// Opens the first of `paths` that is there. It stays open: it has threads and
/// handlers of its own.
static Library openLibrary(const Json &paths) {
  Library library;
  void *opened = nullptr;
  for (const std::string path : paths) {
    opened = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    library.path = path;
    if (opened)
      break;
  }
  if (!opened)
    throw JobError(ErrorKind::Unavailable, "cuBLASLt was not found");
#define LOAD(NAME, ...)                                                        \
  library.NAME = reinterpret_cast<decltype(library.NAME)>(                     \
      dlsym(opened, "cublasLt" #NAME));                                        \
  if (!library.NAME)                                                           \
    throw JobError(ErrorKind::Unavailable,                                     \
                   library.path + ": has no cublasLt" #NAME);
  CUBLASLT_FUNCTIONS(LOAD)
#undef LOAD
  return library;
}

static void check(Status status, const char *call) {
  if (status)
    throw JobError(ErrorKind::Unavailable,
                   fmt::format("{} failed with status {}", call, status));
}

/// cudaDataType of a buffer.
static int getDataType(ElementType type) {
  switch (type) {
  case ElementType::F32:
    return 0;
  case ElementType::F16:
    return 2;
  case ElementType::I8:
    return 3;
  case ElementType::I32:
    return 10;
  case ElementType::BF16:
    return 14;
  case ElementType::F8E4M3:
    return 28;
  case ElementType::F8E5M2:
    return 29;
  default:
    throw JobError(
        ErrorKind::InvalidInput,
        fmt::format("cuBLASLt has no products of {}", getName(type)));
  }
}

struct CublasLtProduct::State {
  State(Device &device, Stream &stream, const Json &peer)
      : device(device), stream(stream),
        library(openLibrary(peer.at("library"))),
        workspace(device, workspaceBytes) {}
  ~State() {
    if (left)
      library.MatrixLayoutDestroy(left);
    if (right)
      library.MatrixLayoutDestroy(right);
    if (out)
      library.MatrixLayoutDestroy(out);
    if (matmul)
      library.MatmulDescDestroy(matmul);
    if (handle)
      library.Destroy(handle);
  }

  Status run(const Heuristic &heuristic) {
    int32_t integers[] = {1, 0};
    float floats[] = {1, 0};
    const void *alpha = isInteger ? static_cast<void *>(integers) : floats;
    const void *beta =
        isInteger ? static_cast<void *>(integers + 1) : floats + 1;
    return library.Matmul(handle, matmul, alpha, b, left, a, right, beta, c,
                          out, c, out, heuristic.algorithm, workspace.address,
                          workspaceBytes, stream.getNative());
  }
  Handle makeLayout(ElementType type, uint64_t rows, uint64_t columns,
                    int32_t batch);
  void chooseAlgorithm(size_t flushBytes);

  Device &device;
  Stream &stream;
  Library library;
  Memory workspace;
  std::unique_ptr<Memory> bias;
  Handle handle = nullptr, matmul = nullptr;
  Handle left = nullptr, right = nullptr, out = nullptr;
  DeviceAddress a = 0, b = 0, c = 0;
  bool isInteger = false;
  Heuristic best = {};
  int tried = 0;
};

/// A column-major matrix, of which a batch is one after the other.
Handle CublasLtProduct::State::makeLayout(ElementType type, uint64_t rows,
                                          uint64_t columns, int32_t batch) {
  Handle layout = nullptr;
  check(library.MatrixLayoutCreate(&layout, getDataType(type), rows, columns,
                                   int64_t(rows)),
        "cublasLtMatrixLayoutCreate");
  auto stride = int64_t(rows * columns);
  check(library.MatrixLayoutSetAttribute(layout, BatchCount, &batch,
                                         sizeof(batch)),
        "cublasLtMatrixLayoutSetAttribute");
  check(library.MatrixLayoutSetAttribute(layout, BatchStride, &stride,
                                         sizeof(stride)),
        "cublasLtMatrixLayoutSetAttribute");
  return layout;
}

/// Times each that the heuristics propose: the first is not always the fastest.
/// They take turns, so that none has the clocks to itself, and the L2 is
/// flushed, as where the fastest is measured.
void CublasLtProduct::State::chooseAlgorithm(size_t flushBytes) {
  Handle preference = nullptr;
  check(library.MatmulPreferenceCreate(&preference),
        "cublasLtMatmulPreferenceCreate");
  Heuristic proposed[maxAlgorithms] = {};
  int found = 0;
  Status status = library.MatmulPreferenceSetAttribute(
      preference, MaxWorkspaceBytes, &workspaceBytes, sizeof(workspaceBytes));
  if (!status)
    status = library.MatmulAlgoGetHeuristic(handle, matmul, left, right, out,
                                            out, preference, maxAlgorithms,
                                            proposed, &found);
  library.MatmulPreferenceDestroy(preference);
  check(status, "cublasLtMatmulAlgoGetHeuristic");
  std::unique_ptr<Event> from = unwrap(device.createEvent());
  std::unique_ptr<Event> to = unwrap(device.createEvent());
  struct Candidate {
    Heuristic algorithm;
    std::vector<double> times;
  };
  std::vector<Candidate> candidates;
  for (int i = 0; i < found; ++i)
    if (!proposed[i].state && !run(proposed[i]))
      candidates.push_back({proposed[i], {}});
  Memory flushed(device, flushBytes);
  for (int turn = 0; turn < turns; ++turn)
    for (Candidate &candidate : candidates) {
      unwrap(
          device.fill(flushed.address, std::byte(turn), flushBytes, &stream));
      unwrap(device.record(*from, &stream));
      check(run(candidate.algorithm), "cublasLtMatmul");
      unwrap(device.record(*to, &stream));
      unwrap(device.synchronize(*to));
      candidate.times.push_back(unwrap(device.getMilliseconds(*from, *to)));
    }
  double least = 0;
  for (Candidate &candidate : candidates) {
    std::ranges::sort(candidate.times);
    double median = candidate.times[turns / 2];
    if (tried++ == 0 || median < least) {
      least = median;
      best = candidate.algorithm;
    }
  }
  if (tried == 0)
    throw JobError(ErrorKind::Unavailable,
                   "cuBLASLt proposes no algorithm that runs");
}

CublasLtProduct::CublasLtProduct(Device &device, Stream &stream,
                                 const Json &peer, const LaunchPlan &plan,
                                 std::span<const DeviceAddress> buffers,
                                 DeviceAddress output)
    : state(std::make_unique<State>(device, stream, peer)) {
  State &s = *state;
  auto find = [&](const char *role) -> size_t {
    for (size_t i = 0; i < plan.buffers.size(); ++i)
      if (plan.buffers[i].name == peer.at(role).get<std::string>())
        return i;
    throw JobError(ErrorKind::InvalidInput,
                   fmt::format("'{}' has no buffer '{}'", plan.name,
                               peer.at(role).get<std::string>()));
  };
  size_t a = find("a"), b = find("b"), c = find("c");
  s.a = buffers[a];
  s.b = buffers[b];
  s.c = output;
  uint64_t m = peer.at("m"), n = peer.at("n"), k = peer.at("k");
  int32_t batch = peer.value("batch", 1);
  ElementType type = plan.buffers[a].type;
  s.isInteger = type == ElementType::I8;
  // CUBLAS_COMPUTE_32I, _32F_FAST_TF32 and _32F.
  int compute = s.isInteger ? 72 : type == ElementType::F32 ? 77 : 68;
  int scale = s.isInteger ? 10 : 0;

  check(s.library.Create(&s.handle), "cublasLtCreate");
  check(s.library.MatmulDescCreate(&s.matmul, compute, scale),
        "cublasLtMatmulDescCreate");
  auto set = [&](MatmulAttribute attribute, const auto &value) {
    check(s.library.MatmulDescSetAttribute(s.matmul, attribute, &value,
                                           sizeof(value)),
          "cublasLtMatmulDescSetAttribute");
  };
  // cuBLAS counts columns first: our row-major C is its column-major C^T, which
  // is B^T * A^T.
  bool transposeB = peer.value("transpose_b", false);
  set(TransposeA, int32_t(transposeB ? Transposed : NotTransposed));
  set(TransposeB, int32_t(NotTransposed));
  if (peer.value("fast_accum", false))
    set(FastAccumulation, int8_t(1));
  ElementType outType = plan.buffers[c].type;
  if (peer.contains("bias")) {
    // It takes a bias of C's type only: ours, without its low bits.
    s.bias = std::make_unique<Memory>(device, n * getBytes(outType));
    std::vector<std::byte> narrow(s.bias->bytes), wide(n * 4);
    size_t at = find("bias");
    if (plan.buffers[at].type != ElementType::F32 ||
        outType != ElementType::BF16)
      throw JobError(ErrorKind::InvalidInput,
                     "expected a bias of f32 and a C of bf16");
    unwrap(device.copyToHost(wide.data(), buffers[at], wide.size()));
    for (uint64_t i = 0; i < n; ++i)
      std::copy_n(&wide[4 * i + 2], 2, &narrow[2 * i]);
    unwrap(device.copyToDevice(s.bias->address, narrow.data(), narrow.size()));
    set(EpilogueAttribute, geluBiasEpilogue);
    set(BiasPointer, s.bias->address);
    set(BiasDataType, int32_t(getDataType(outType)));
  }
  s.left = transposeB ? s.makeLayout(plan.buffers[b].type, k, n, batch)
                      : s.makeLayout(plan.buffers[b].type, n, k, batch);
  s.right = s.makeLayout(type, k, m, batch);
  s.out = s.makeLayout(outType, n, m, batch);
  s.chooseAlgorithm(peer.at("flush_bytes"));
}

CublasLtProduct::~CublasLtProduct() = default;

void CublasLtProduct::run() {
  check(state->run(state->best), "cublasLtMatmul");
}

Json CublasLtProduct::describe() const {
  return {{"library", state->library.path},
          {"version", state->library.GetVersion()},
          {"algorithms_tried", state->tried}};
}
