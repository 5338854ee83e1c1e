# Highway without its library, which chooses among instruction sets at run time:
# what is built here runs here.
get_filename_component(_root "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET hwy::hwy)
  add_library(hwy::hwy INTERFACE IMPORTED)
  set_target_properties(hwy::hwy PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_root}/include"
    INTERFACE_COMPILE_DEFINITIONS HWY_COMPILE_ONLY_STATIC
    INTERFACE_COMPILE_OPTIONS -march=native)
endif()
