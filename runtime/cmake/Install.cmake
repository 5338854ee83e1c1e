# Installs the runtime: libheddle-runtime.so, its headers, and what
# `find_package(Heddle)` reads.
include(CMakePackageConfigHelpers)

set(HEDDLE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Heddle)
install(TARGETS HeddleRuntime HeddleRuntimeHeaders
  EXPORT HeddleRuntimeTargets)
install(EXPORT HeddleRuntimeTargets NAMESPACE Heddle::
  DESTINATION ${HEDDLE_CMAKE_DIR})
# MakeError.h is for Heddle's own sources, and needs fmt.
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/../include/
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN MakeError.h EXCLUDE)

set(generated ${CMAKE_CURRENT_BINARY_DIR}/cmake)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/HeddleConfig.cmake.in
  ${generated}/HeddleConfig.cmake INSTALL_DESTINATION ${HEDDLE_CMAKE_DIR})
write_basic_package_version_file(${generated}/HeddleConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${generated}/HeddleConfig.cmake
  ${generated}/HeddleConfigVersion.cmake DESTINATION ${HEDDLE_CMAKE_DIR})
