//===- DiskCacheTest.cpp - Tests of packages in a folder ------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "lib/Jit/DiskCache.h"

#include "test/lib/Jit/TemporaryFolder.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace heddle;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

static constexpr uint64_t large = 1 << 20;

/// Sets a variable of the environment, or takes it away, for one test.
namespace {
class Variable {
public:
  Variable(const char *name, const char *value) : name(name) {
    if (const char *old = std::getenv(name))
      before = old;
    set(value);
  }
  ~Variable() { set(before ? before->c_str() : nullptr); }

private:
  void set(const char *value) const {
    if (value)
      setenv(name, value, 1);
    else
      unsetenv(name);
  }
  const char *name;
  std::optional<std::string> before;
};
} // namespace

static mode_t getMode(const std::string &path) {
  struct stat status = {};
  EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 0777;
}

/// Makes a file look as if it was last used `hours` ago.
static void age(const std::string &path, int hours) {
  struct timespec times[2];
  clock_gettime(CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= hours * 3600;
  times[1] = times[0];
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0) << path;
}

TEST(DefaultCacheFolder, FollowsTheEnvironment) {
  Variable home("HOME", "/home/weaver");
  Variable xdg("XDG_CACHE_HOME", "/var/cache/weaver");
  Variable own("HEDDLE_CACHE_DIR", "/scratch/heddle");
  EXPECT_EQ(*getDefaultCacheFolder(), "/scratch/heddle");
  {
    Variable none("HEDDLE_CACHE_DIR", "");
    EXPECT_EQ(*getDefaultCacheFolder(), "");
  }
  Variable noOwn("HEDDLE_CACHE_DIR", nullptr);
  EXPECT_EQ(*getDefaultCacheFolder(), "/var/cache/weaver/heddle");
  Variable relative("XDG_CACHE_HOME", "cache");
  EXPECT_EQ(*getDefaultCacheFolder(), "/home/weaver/.cache/heddle");
  Variable noHome("HOME", nullptr);
  ASSERT_FALSE(getDefaultCacheFolder());
  EXPECT_THAT(getDefaultCacheFolder().error().message, HasSubstr("HOME"));
}

TEST(DiskCache, ReturnsWhatWasWritten) {
  TemporaryFolder folder;
  DiskCache cache(folder / "a/b", large);
  EXPECT_FALSE(cache.read("k"));
  ASSERT_TRUE(cache.write("k", std::string("one\0two", 7)));
  EXPECT_EQ(*cache.read("k"), std::string("one\0two", 7));
  ASSERT_TRUE(cache.write("k", "three"));
  EXPECT_EQ(*cache.read("k"), "three");
  EXPECT_FALSE(cache.read("j"));
  EXPECT_THAT(folder.list("a/b"), UnorderedElementsAre("k.heddle"));
}

TEST(DiskCache, IsForItsOwnerOnly) {
  TemporaryFolder folder;
  mode_t before = umask(0);
  EXPECT_TRUE(DiskCache(folder / "a/b", large).write("k", "one"));
  umask(before);
  EXPECT_EQ(getMode(folder / "a"), 0700u);
  EXPECT_EQ(getMode(folder / "a/b"), 0700u);
  EXPECT_EQ(getMode(folder / "a/b/k.heddle"), 0600u);
}

TEST(DiskCache, RemovesWhatWasNotUsedForLongest) {
  TemporaryFolder folder;
  DiskCache cache(folder / "c", 100);
  std::string entry(40, 'x');
  ASSERT_TRUE(cache.write("a", entry));
  age(folder / "c/a.heddle", 3);
  ASSERT_TRUE(cache.write("b", entry));
  age(folder / "c/b.heddle", 2);
  // A use makes it the younger of the two.
  EXPECT_TRUE(cache.read("a"));
  ASSERT_TRUE(cache.write("c", entry));
  EXPECT_THAT(folder.list("c"), UnorderedElementsAre("a.heddle", "c.heddle"));
}

TEST(DiskCache, RemovesNothingThatIsNotItsOwn) {
  TemporaryFolder folder;
  DiskCache cache(folder / "c", 0);
  ASSERT_TRUE(cache.write("a", "one"));
  EXPECT_TRUE(folder.list("c").empty());
  writeFile(folder / "c/notes.txt", "keep");
  ASSERT_TRUE(cache.write("a", "one"));
  EXPECT_THAT(folder.list("c"), UnorderedElementsAre("notes.txt"));
}

TEST(DiskCache, RemovesWhatDeadProcessesLeft) {
  TemporaryFolder folder;
  DiskCache cache(folder / "c", large);
  ASSERT_TRUE(cache.write("a", "one"));
  writeFile(folder / "c/a.heddle-old.tmp", "o");
  writeFile(folder / "c/a.heddle-new.tmp", "o");
  age(folder / "c/a.heddle-old.tmp", 2);
  ASSERT_TRUE(cache.write("b", "two"));
  EXPECT_THAT(folder.list("c"),
              UnorderedElementsAre("a.heddle", "b.heddle", "a.heddle-new.tmp"));
}

TEST(DiskCache, SaysWhereItCannotWrite) {
  TemporaryFolder folder;
  writeFile(folder / "file", "");
  DiskCache cache(folder / "file/c", large);
  EXPECT_FALSE(cache.read("k"));
  Expected<void> written = cache.write("k", "one");
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message,
              HasSubstr("cannot write to the cache folder '" +
                        (folder / "file/c") + "': Not a directory"));
}

TEST(DiskCache, LeavesNothingHalfWritten) {
  TemporaryFolder folder;
  DiskCache cache(folder / "c", large);
  ASSERT_TRUE(cache.write("k", "one"));
  // Like a full disk: writing stops after 1000 bytes.
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  rlimit limit = before;
  limit.rlim_cur = 1000;
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &limit);
  Expected<void> written = cache.write("k", std::string(5000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(written);
  EXPECT_THAT(written.error().message, HasSubstr("File too large"));
  EXPECT_EQ(*cache.read("k"), "one");
  EXPECT_THAT(folder.list("c"), UnorderedElementsAre("k.heddle"));
}

TEST(DiskCache, DoesNotReadWhatIsNoFile) {
  TemporaryFolder folder;
  DiskCache cache(folder / "c", large);
  ASSERT_TRUE(cache.write("k", "one"));
  llvm::sys::fs::create_directory(folder / "c/d.heddle");
  EXPECT_FALSE(cache.read("d"));
  // Nor what no package could be as large as.
  ASSERT_EQ(truncate((folder / "c/k.heddle").c_str(), off_t(1) << 40), 0);
  EXPECT_FALSE(cache.read("k"));
}
