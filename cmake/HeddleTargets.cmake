# How Heddle's LLVM-based libraries and tools are built: without RTTI and
# exceptions, as LLVM is, against the shared libMLIR and libLLVM, and with one
# precompiled header of the MLIR headers that every file includes.

add_library(HeddlePrecompiled OBJECT ${PROJECT_SOURCE_DIR}/cmake/Precompiled.cpp)
target_compile_options(HeddlePrecompiled PRIVATE -fno-rtti -fno-exceptions)
target_precompile_headers(HeddlePrecompiled PRIVATE
  ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(HeddlePrecompiled PRIVATE -Xclang -fno-pch-timestamp)
endif()

function(heddle_configure target)
  target_compile_options(${target} PRIVATE -fno-rtti -fno-exceptions -Wall)
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(${target} PRIVATE -Xclang -fno-pch-timestamp)
  endif()
  target_precompile_headers(${target} REUSE_FROM HeddlePrecompiled)
endfunction()

# heddle_add_library(NAME sources... [DEPENDS tablegen-targets...]
#                    [LINK libraries...])
# adds a part of the compiler: a static library for the tests of that part,
# whose objects are in libheddle-compiler.so too. What both of them need of the
# runtime comes from libheddle-runtime.so, so that a process has it once.
function(heddle_add_library name)
  cmake_parse_arguments(arg "" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  heddle_configure(${name})
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
  target_link_libraries(${name} PUBLIC ${arg_LINK} MLIR LLVM)
  set_property(GLOBAL APPEND PROPERTY HEDDLE_COMPILER_PARTS ${name})
endfunction()

# heddle_add_tool(NAME sources... [LINK libraries...])
function(heddle_add_tool name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  heddle_configure(${name})
  target_compile_options(${name} PRIVATE -fPIC)
  target_link_libraries(${name} PRIVATE ${arg_LINK} MLIR LLVM)
  # Executables would get -fPIE, which the precompiled header was not built for.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  install(TARGETS ${name})
endfunction()

# heddle_add_reference(Name file.td generator options...) generates a reference
# page, docs/Name.md in the build tree, as a part of the target heddle-doc.
add_custom_target(heddle-doc)
function(heddle_add_reference name definitions)
  set(LLVM_TARGET_DEFINITIONS ${definitions})
  tablegen(MLIR ${name}.md ${ARGN} -I ${PROJECT_SOURCE_DIR})
  set(page ${PROJECT_BINARY_DIR}/docs/${name}.md)
  add_custom_command(OUTPUT ${page}
    COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_CURRENT_BINARY_DIR}/${name}.md
            ${page}
    DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${name}.md)
  add_custom_target(Heddle${name}Reference DEPENDS ${page})
  add_dependencies(heddle-doc Heddle${name}Reference)
endfunction()

# heddle_add_dialect(Name mnemonic) generates what dialects/Name/*.td describe,
# as the target HeddleNameIncGen, and the dialect's reference page.
function(heddle_add_dialect name mnemonic)
  set(LLVM_TARGET_DEFINITIONS ${name}Ops.td)
  mlir_tablegen(${name}Dialect.h.inc -gen-dialect-decls -dialect=${mnemonic}
                -I ${PROJECT_SOURCE_DIR})
  mlir_tablegen(${name}Dialect.cpp.inc -gen-dialect-defs -dialect=${mnemonic}
                -I ${PROJECT_SOURCE_DIR})
  mlir_tablegen(${name}Ops.h.inc -gen-op-decls -I ${PROJECT_SOURCE_DIR})
  mlir_tablegen(${name}Ops.cpp.inc -gen-op-defs -I ${PROJECT_SOURCE_DIR})
  mlir_tablegen(${name}Types.h.inc -gen-typedef-decls -typedefs-dialect=${mnemonic}
                -I ${PROJECT_SOURCE_DIR})
  mlir_tablegen(${name}Types.cpp.inc -gen-typedef-defs -typedefs-dialect=${mnemonic}
                -I ${PROJECT_SOURCE_DIR})
  mlir_tablegen(${name}Attrs.h.inc -gen-attrdef-decls -attrdefs-dialect=${mnemonic}
                -I ${PROJECT_SOURCE_DIR})
  mlir_tablegen(${name}Attrs.cpp.inc -gen-attrdef-defs -attrdefs-dialect=${mnemonic}
                -I ${PROJECT_SOURCE_DIR})
  mlir_tablegen(${name}Enums.h.inc -gen-enum-decls -I ${PROJECT_SOURCE_DIR})
  mlir_tablegen(${name}Enums.cpp.inc -gen-enum-defs -I ${PROJECT_SOURCE_DIR})
  add_public_tablegen_target(Heddle${name}IncGen)
  heddle_add_reference(${name} ${name}Ops.td -gen-dialect-doc
                       -dialect=${mnemonic})
endfunction()
