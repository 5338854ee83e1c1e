//===- CommandLine.cpp - What the user asked for --------------------------===//
//
// Part of Heddle, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/heddle/CommandLine.h"

#include "tools/heddle/Suggest.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <fmt/format.h>

using namespace heddle;

//===----------------------------------------------------------------------===//
// Values of options
//===----------------------------------------------------------------------===//

/// Splits `NAME=VALUE`; a failure names the option.
static std::pair<std::string, std::string> splitNamed(const std::string &option,
                                                      const std::string &text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw CLI::ValidationError(
        option, fmt::format("expected NAME=VALUE, found '{}'", text));
  // Names in programs start with %, and users may copy them so.
  std::string name = text.substr(0, equals);
  if (name.front() == '%')
    name.erase(0, 1);
  return {name, text.substr(equals + 1)};
}

template <typename T>
static void addUnique(const std::string &option,
                      std::vector<std::pair<std::string, T>> &list,
                      std::string name, T value) {
  for (const auto &[other, ignored] : list)
    if (other == name)
      throw CLI::ValidationError(option,
                                 fmt::format("'{}' is given twice", name));
  list.emplace_back(std::move(name), std::move(value));
}

static void addSize(NamedSizes &sizes, const std::string &text) {
  auto [name, number] = splitNamed("--size", text);
  int64_t value = 0;
  const char *end = number.data() + number.size();
  auto [stop, error] = std::from_chars(number.data(), end, value);
  if (error != std::errc() || stop != end || value < 0)
    throw CLI::ValidationError(
        "--size",
        fmt::format("expected an integer of 0 or more for '{}', found '{}'",
                    name, number));
  addUnique("--size", sizes, name, value);
}

/// An option that may be given many times, with one value each.
template <typename Fn>
static void addRepeated(CLI::App &app, const std::string &name,
                        const std::string &type, const std::string &help,
                        Fn handle) {
  app.add_option_function<std::vector<std::string>>(
         name,
         [handle](const std::vector<std::string> &values) {
           for (const std::string &value : values)
             handle(value);
         },
         help)
      ->type_name(type)
      ->expected(1)
      ->take_all();
}

static void addNamed(CLI::App &app, const std::string &option,
                     const std::string &type, const std::string &help,
                     NamedStrings &list) {
  addRepeated(app, option, type, help, [option, &list](const std::string &v) {
    auto [name, value] = splitNamed(option, v);
    addUnique(option, list, name, value);
  });
}

/// An option without a value.
static void addFlag(CLI::App &app, const std::string &name, bool &flag,
                    const std::string &help) {
  app.add_flag(name, flag, help)->disable_flag_override();
}

static void addRemarks(CLI::App &app, bool &remarks) {
  addFlag(app, "--remarks", remarks,
          "tell what kept the compiler from doing better, and where");
}

static void addFile(CLI::App &app, std::string &file, const char *what) {
  app.add_option("FILE", file,
                 fmt::format("{}; - is a program in the standard input", what))
      ->required()
      ->type_name("");
}

static void refuse(const std::string &option, const std::string &value,
                   const std::string &instead) {
  throw CLI::ValidationError(
      option, fmt::format("'{}' is not available; {}", value, instead));
}

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

static bool isDevice(std::string_view device) {
  if (device == "auto" || device == "reference")
    return true;
  std::string_view kind = device.substr(0, device.find(':'));
  if (kind != "virtual" && kind != "cuda")
    return false;
  return kind == device ||
         (device.size() > kind.size() + 1 &&
          device.find_first_not_of("0123456789", kind.size() + 1) ==
              std::string_view::npos);
}

static void checkDevice(const std::string &device) {
  if (!isDevice(device))
    throw CLI::ValidationError(
        "--device", fmt::format("expected auto, virtual[:N], cuda[:N] or "
                                "reference, found '{}'",
                                device));
}

/// The integer that `text` is all of.
static uint64_t parseNumber(const std::string &option, std::string_view text,
                            uint64_t max) {
  uint64_t value = 0;
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end || value > max)
    throw CLI::ValidationError(
        option,
        fmt::format("expected an integer in 0..{}, found '{}'", max, text));
  return value;
}

/// How many seeds `explore` tries where nothing is said.
static constexpr uint64_t usualSeeds = 8, maxSeeds = 100000;

/// The schedules to try, in order.
static std::vector<Schedule> parseSchedules(const std::string &text) {
  static constexpr const char *option = "--schedule";
  size_t colon = text.find(':');
  std::string_view kind = std::string_view(text).substr(0, colon), rest;
  bool hasRest = colon != std::string::npos;
  if (hasRest)
    rest = std::string_view(text).substr(colon + 1);
  if (kind == "replay" && !rest.empty())
    return {{.kind = Schedule::Kind::Replay,
             .seed = 0,
             .trace = std::string(rest)}};
  if (kind != "explore") {
    // A seed that nobody chose is 0.
    Expected<Schedule> one =
        parseSchedule(text == "random" ? "random:0" : text);
    if (one)
      return {*one};
    throw CLI::ValidationError(
        option, fmt::format("expected timed, eager, lazy, random[:SEED], "
                            "replay:FILE or explore[:SEEDS], found '{}'",
                            text));
  }
  std::vector<Schedule> all;
  for (Schedule::Kind each :
       {Schedule::Kind::Timed, Schedule::Kind::Eager, Schedule::Kind::Lazy})
    all.push_back({.kind = each, .seed = 0, .trace = {}});
  uint64_t seeds = hasRest ? parseNumber(option, rest, maxSeeds) : usualSeeds;
  for (uint64_t seed = 0; seed < seeds; ++seed)
    all.push_back({.kind = Schedule::Kind::Random, .seed = seed, .trace = {}});
  return all;
}

static SanitizeLevel parseSanitize(const std::string &level) {
  if (level == "off")
    return SanitizeLevel::Off;
  if (level == "sync")
    return SanitizeLevel::Sync;
  if (level == "full")
    return SanitizeLevel::Full;
  throw CLI::ValidationError(
      "--sanitize",
      fmt::format("expected off, sync or full, found '{}'", level));
}

/// What only the virtual GPU can do.
static void addVirtual(CLI::App &run, VirtualRequest &request) {
  run.add_option_function<std::string>(
         "--schedule",
         [&](const std::string &schedule) {
           request.schedules = parseSchedules(schedule);
         },
         "the order of what the virtual GPU may do in any order: timed, the "
         "default, as a GPU likely would; eager or lazy, asynchronous "
         "operations as early or as late as they may; random[:SEED]; "
         "replay:FILE, as --record wrote it; explore[:SEEDS], all of these "
         "with 8 seeds or as many as you say")
      ->type_name("SCHEDULE");
  run.add_option_function<std::string>(
         "--sanitize",
         [&](const std::string &level) {
           request.sanitize = parseSanitize(level);
         },
         "what the virtual GPU looks for: off, only what it cannot execute; "
         "sync, also misuse of barriers that happens to work; full, also "
         "races, missing fences and uninitialised memory")
      ->type_name("LEVEL");
  run.add_option("--report", request.report,
                 "where to write what was found, as JSON; - is the standard "
                 "output")
      ->type_name("FILE.json");
  run.add_option("--record", request.record,
                 "where to write the schedule, for --schedule=replay:FILE")
      ->type_name("FILE");
}

static CLI::App *addRun(CLI::App &app, RunCommand &command) {
  CLI::App *run = app.add_subcommand(
      "run", "Runs a package, the kernels of a PTX file, or a program that it "
             "compiles first, and checks what it did if asked to");
  addFile(*run, command.file, "a program, a package or PTX");
  run->add_option_function<std::string>(
         "--device",
         [&](const std::string &device) {
           checkDevice(device);
           command.device = device;
         },
         "cuda[:N]: a GPU; virtual[:N]: a GPU on the CPU; reference: what the "
         "program means, on the CPU; auto, the default: a GPU if there is one, "
         "and else virtual")
      ->type_name("DEVICE");
  run->add_option("--entry", command.entry,
                  "the host function, if there are several")
      ->type_name("HOST");
  addRepeated(*run, "--size", "NAME=INT", "the value of a size",
              [&](const std::string &v) { addSize(command.sizes, v); });
  addNamed(*run, "--input",
           "NAME=FILE.npy|random[:SEED]|unit[:SEED]|"
           "uniform:LOW:HIGH[:SEED]|zeros",
           "what a buffer holds: normal numbers, random, if nothing is said; "
           "unit: of length 1 along the last dimension",
           command.inputs);
  addNamed(*run, "--output", "NAME=FILE.npy",
           "where an output is written; - is the standard output",
           command.outputs);
  addFlag(*run, "--check", command.check,
          "compare every output with the reference semantics");
  addRemarks(*run, command.remarks);
  addVirtual(*run, command.virtualRequest);
  run->add_option("--launch", command.launch,
                  "how the kernels of a PTX file are launched, and with what")
      ->type_name("FILE.json");
  run->add_option_function<std::string>(
         "--trace",
         [](const std::string &file) {
           refuse("--trace", file, "timelines cannot be recorded");
         })
      ->group("");
  return run;
}

static EmitKind parseEmit(const std::string &emit) {
  static const std::pair<const char *, EmitKind> kinds[] = {
      {"tile", EmitKind::Tile},      {"aref", EmitKind::Aref},
      {"nvvm", EmitKind::NVVM},      {"llvm", EmitKind::LLVM},
      {"ptx", EmitKind::PTX},        {"cubin", EmitKind::Cubin},
      {"package", EmitKind::Package}};
  for (auto [name, kind] : kinds)
    if (emit == name)
      return kind;
  throw CLI::ValidationError(
      "--emit",
      fmt::format("expected tile, aref, nvvm, llvm, ptx, cubin or package, "
                  "found '{}'",
                  emit));
}

/// What a file of that name usually holds.
static EmitKind guessEmit(std::string_view output) {
  if (output.ends_with(".heddle"))
    return EmitKind::Package;
  return output.ends_with(".cubin") ? EmitKind::Cubin : EmitKind::PTX;
}

static CLI::App *addCompile(CLI::App &app, CompileCommand &command) {
  CLI::App *compile =
      app.add_subcommand("compile", "Compiles a program and writes the result");
  addFile(*compile, command.file, "a program");
  compile
      ->add_option("-o,--output", command.output,
                   "where to write; - is the standard output")
      ->required()
      ->type_name("OUT");
  addRemarks(*compile, command.remarks);
  compile
      ->add_option_function<std::string>(
          "--target",
          [](const std::string &target) {
            if (target != "sm_90a")
              throw CLI::ValidationError(
                  "--target",
                  fmt::format("expected sm_90a, found '{}'", target));
          },
          "the architecture: sm_90a")
      ->type_name("ARCH");
  compile
      ->add_option_function<std::string>(
          "--emit",
          [&](const std::string &emit) { command.emit = parseEmit(emit); },
          "what to write: tile, aref, nvvm, llvm, ptx, cubin or package; where "
          "nothing is said, a package to *.heddle, a cubin to *.cubin and else "
          "ptx")
      ->type_name("KIND");
  return compile;
}

static CLI::App *addExplain(CLI::App &app, ExplainCommand &command) {
  CLI::App *explain = app.add_subcommand(
      "explain", "Tells what became of a program: roles, rings, shared memory, "
                 "registers, and with sizes the bytes it moves");
  addFile(*explain, command.file, "a program");
  explain
      ->add_option("--entry", command.entry,
                   "the host function, if there are several")
      ->type_name("HOST");
  addRepeated(*explain, "--size", "NAME=INT",
              "the value of a size; with all of them, the bytes that are moved "
              "are counted",
              [&](const std::string &v) { addSize(command.sizes, v); });
  addFlag(*explain, "--json", command.json,
          "print the kernels as one JSON object");
  return explain;
}

static CLI::App *addInspect(CLI::App &app, InspectCommand &command) {
  CLI::App *inspect =
      app.add_subcommand("inspect", "Tells what is in a package or in PTX");
  inspect->add_option("FILE", command.file, "the package, or PTX")
      ->required()
      ->type_name("");
  addFlag(*inspect, "--json", command.json,
          "print the metadata and the bytes of sections as JSON");
  addFlag(*inspect, "--launch", command.launch,
          "print a launch to start from, for 'heddle run FILE.ptx "
          "--launch=FILE.json'");
  return inspect;
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

static std::string describeUnknownOption(const CLI::App &app,
                                         std::string_view word) {
  std::string_view option = word.substr(0, word.find('='));
  std::vector<std::string> names;
  for (const CLI::Option *known : app.get_options())
    // What has no group is hidden.
    if (!known->get_group().empty())
      for (const std::string &name : known->get_lnames())
        names.push_back("--" + name);
  std::string command = app.get_parent()
                            ? fmt::format("heddle {}", app.get_name())
                            : std::string("heddle");
  return fmt::format(
      "unknown option '{}'{}", option,
      suggest(option, names,
              fmt::format("; '{} --help' lists those there are", command)));
}

/// About a word that belongs to nothing.
static std::string describeExtra(const CLI::App &app, std::string_view word) {
  if (word.starts_with("-") && word.size() > 1)
    return describeUnknownOption(app, word);
  if (!app.get_parent()) {
    std::vector<std::string> names;
    for (const CLI::App *command : app.get_subcommands({}))
      names.push_back(command->get_name());
    return fmt::format(
        "unknown command '{}'{}", word,
        suggest(word, names,
                fmt::format("; expected {}", fmt::join(names, ", "))));
  }
  return fmt::format("'{}' is one argument too many: expected one FILE", word);
}

/// The words that belong to nothing, options first.
static std::optional<std::string> getExtra(const CLI::App &app) {
  std::vector<std::string> words = app.remaining();
  if (const CLI::App *parent = app.get_parent())
    for (const std::string &word : parent->remaining())
      words.push_back(word);
  if (words.empty())
    return std::nullopt;
  auto option = std::ranges::find_if(words, [](const std::string &word) {
    return word.starts_with("-") && word.size() > 1;
  });
  return option == words.end() ? words.front() : *option;
}

/// The option that the text of an error starts with.
static const CLI::Option *findOption(const CLI::App &app,
                                     std::string_view text) {
  for (const CLI::Option *option : app.get_options())
    if (text.starts_with(option->get_name() + ":") ||
        (option->get_expected_max() == 0 && !option->get_lnames().empty() &&
         text.starts_with(option->get_lnames().front() + " ")))
      return option;
  return nullptr;
}

/// Says what is wrong with the command line that `app` failed to parse with
/// `error`, and what would be right: first what is unknown, since what is
/// missing may only be misspelled.
static std::string describeUsageError(const CLI::App &app,
                                      const CLI::ParseError &error) {
  // CLI11 looks for what is required before it looks at what is left over.
  if (std::optional<std::string> extra = getExtra(app))
    return describeExtra(app, *extra);
  if (!app.get_parent()) {
    std::vector<std::string> names;
    for (const CLI::App *command : app.get_subcommands({}))
      names.push_back(command->get_name());
    return fmt::format("expected a command: {}; 'heddle --help' tells what "
                       "they do",
                       fmt::join(names, ", "));
  }
  if (dynamic_cast<const CLI::RequiredError *>(&error))
    for (const CLI::Option *option : app.get_options())
      if (option->get_required() && option->count() == 0)
        return option->get_positional()
                   ? fmt::format("expected a FILE: {}",
                                 option->get_description())
                   : fmt::format("expected {} {}: {}", option->get_name(),
                                 option->get_type_name(),
                                 option->get_description());
  if (dynamic_cast<const CLI::ArgumentMismatch *>(&error))
    if (const CLI::Option *option = findOption(app, error.what())) {
      if (option->get_expected_max() == 0)
        return fmt::format("{} takes no value", option->get_name());
      if (option->count() > 1)
        return fmt::format("{} is given {} times", option->get_name(),
                           option->count());
      return fmt::format("expected {} {}, found nothing after it",
                         option->get_name(), option->get_type_name());
    }
  return error.what();
}

ParsedCommandLine heddle::parseCommandLine(int argc, const char *const *argv) {
  CLI::App app("Heddle compiles tile programs for GPUs and runs them.",
               "heddle");
  app.set_version_flag("--version", "heddle " HEDDLE_VERSION);
  app.require_subcommand(1);
  RunCommand run;
  CompileCommand compile;
  ExplainCommand explain;
  InspectCommand inspect;
  CLI::App *runApp = addRun(app, run);
  CLI::App *compileApp = addCompile(app, compile);
  addExplain(app, explain);
  CLI::App *inspectApp = addInspect(app, inspect);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    // Help and versions are told by the program, which knows the whole name of
    // a command; the command that was named says what is wrong.
    if (error.get_exit_code() == 0)
      return ExitCode(app.exit(error));
    std::string name = "heddle";
    const CLI::App *command = &app;
    if (std::vector<CLI::App *> named = app.get_subcommands(); !named.empty()) {
      command = named.front();
      name += " " + command->get_name();
    }
    fmt::print(stderr, "{}: error: {}\n", name,
               describeUsageError(*command, error));
    return ExitCode::BadInput;
  }
  if (runApp->parsed()) {
    run.words.assign(argv, argv + argc);
    return run;
  }
  if (compileApp->parsed()) {
    if (compileApp->count("--emit") == 0)
      compile.emit = guessEmit(compile.output);
    return compile;
  }
  if (inspectApp->parsed())
    return inspect;
  return explain;
}
