# heddle_precompile(TARGET HEADER [EXCEPT SOURCE...]): reads HEADER, which has
# what most files of TARGET include, only once. ccache does better by itself,
# and without precompiled headers: so do builds that it is set up for, where
# every file must include what it uses. The sources after EXCEPT are compiled
# with options of their own.
function(heddle_precompile target header)
  if(CMAKE_CXX_COMPILER_LAUNCHER OR HEDDLE_FUZZ)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "EXCEPT")
  target_precompile_headers(${target} PRIVATE
    ${CMAKE_CURRENT_SOURCE_DIR}/${header})
  set_source_files_properties(${arg_EXCEPT} PROPERTIES
    SKIP_PRECOMPILE_HEADERS ON)
endfunction()
