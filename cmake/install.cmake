# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What `cmake --install` puts in place: the libraries, their headers, the command, and what find_package(anew) and
# pkg-config need to find them, wherever the prefix is moved to. libanew_substrate and libanew_wasi are components, with
# files of their own for both.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS anew EXPORT anew-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/anew DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.hpp" PATTERN "substrate*" EXCLUDE PATTERN "wasi.hpp" EXCLUDE)
if(TARGET anew_substrate)
  install(TARGETS anew_substrate EXPORT anew-substrate-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY include/anew/substrate DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/anew)
  install(FILES include/anew/substrate.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/anew)
endif()
if(TARGET anew_wasi)
  install(TARGETS anew_wasi EXPORT anew-wasi-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES include/anew/wasi.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/anew)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(TARGET anew_command)
  install(TARGETS anew_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/anew)
install(EXPORT anew-targets NAMESPACE anew:: DESTINATION ${package_directory})
if(TARGET anew_substrate)
  install(EXPORT anew-substrate-targets NAMESPACE anew:: DESTINATION ${package_directory})
endif()
if(TARGET anew_wasi)
  install(EXPORT anew-wasi-targets NAMESPACE anew:: DESTINATION ${package_directory})
endif()
configure_package_config_file(cmake/anew-config.cmake.in ${PROJECT_BINARY_DIR}/anew-config.cmake
                              INSTALL_DESTINATION ${package_directory})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/anew-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/anew-config.cmake ${PROJECT_BINARY_DIR}/anew-config-version.cmake
        DESTINATION ${package_directory})

set(pkg_config_directory ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pkg_config "/${pkg_config_directory}" "/")
set(pkg_config_names anew)
if(TARGET anew_substrate)
  list(APPEND pkg_config_names anew-substrate)
endif()
if(TARGET anew_wasi)
  list(APPEND pkg_config_names anew-wasi)
endif()
foreach(name IN LISTS pkg_config_names)
  configure_file(cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${pkg_config_directory})
endforeach()
