# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What `cmake --install` puts in place: the libraries, their headers, the command, and what find_package(anew) and
# pkg-config need to find them, wherever the prefix is moved to. Each library beside libanew is a component of
# find_package, with files of its own for both.
#
# The COMPONENTs are the packages that cmake/packages.cmake makes.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/anew)
set(pkg_config_directory ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH prefix_from_pkg_config "/${pkg_config_directory}" "/")

# Static and shared library are anew::NAME both: find_package reads the file of one of them.
function(install_library name runtime development)
  install(TARGETS ${name} EXPORT ${name}-static-targets
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${development})
  install(TARGETS ${name}_shared EXPORT ${name}-shared-targets
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT ${runtime} NAMELINK_COMPONENT ${development})
  foreach(kind static shared)
    install(EXPORT ${name}-${kind}-targets NAMESPACE anew:: DESTINATION ${package_directory} COMPONENT ${development})
  endforeach()
  string(REPLACE _ - name ${name})
  configure_file(cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${pkg_config_directory} COMPONENT ${development})
endfunction()

install_library(anew libanew1 libanew-dev)
install(DIRECTORY include/anew DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libanew-dev
        FILES_MATCHING PATTERN "*.hpp" PATTERN "*.h" PATTERN "substrate*" EXCLUDE PATTERN "wasi*.hpp" EXCLUDE)
install(FILES include/anew.h include/anew_component.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libanew-dev)
if(TARGET anew_wasi)  # in the packages of libanew: it needs nothing else
  install_library(anew_wasi libanew1 libanew-dev)
  install(FILES include/anew/wasi.hpp include/anew/wasi_http.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/anew COMPONENT libanew-dev)
  install(FILES include/anew_wasi.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT libanew-dev)
endif()
if(TARGET anew_substrate)
  install_library(anew_substrate libanew-substrate1 libanew-substrate-dev)
  install(DIRECTORY include/anew/substrate DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/anew COMPONENT libanew-substrate-dev)
  install(FILES include/anew/substrate.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/anew COMPONENT libanew-substrate-dev)
endif()
if(TARGET anew_command)
  install(TARGETS anew_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT anew)
endif()
# What libanew starts to optimize code, where it looks for it (src/tier/optimizer_process.cpp).
if(TARGET anew_optimizer)
  install(TARGETS anew_optimizer RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/anew COMPONENT anew-optimizer)
endif()
# What the command says of itself: manual pages and the shells' completion.
if(TARGET anew_command)
  set(said ${PROJECT_BINARY_DIR}/said)
  file(MAKE_DIRECTORY ${said}/man ${said}/completions)
  add_custom_command(OUTPUT ${said}/man/anew.1.gz DEPENDS anew_command WORKING_DIRECTORY ${said} VERBATIM
    COMMAND sh -c "rm -f man/* && \"$0\" help --man-pages man && gzip -9n man/*" $<TARGET_FILE:anew_command>
    COMMAND sh -c "\"$0\" completion bash > completions/anew" $<TARGET_FILE:anew_command>
    COMMAND sh -c "\"$0\" completion zsh > completions/_anew" $<TARGET_FILE:anew_command>
    COMMAND sh -c "\"$0\" completion fish > completions/anew.fish" $<TARGET_FILE:anew_command>)
  add_custom_target(anew_said ALL DEPENDS ${said}/man/anew.1.gz)
  install(DIRECTORY ${said}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT anew)
  # Where the shells look, which of zsh depends on the prefix.
  set(zsh_directory zsh/site-functions)
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(zsh_directory zsh/vendor-completions)
  endif()
  install(FILES ${said}/completions/anew DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT anew)
  install(FILES ${said}/completions/_anew DESTINATION ${CMAKE_INSTALL_DATADIR}/${zsh_directory} COMPONENT anew)
  install(FILES ${said}/completions/anew.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT anew)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT licence)  # packages have it as Debian wants it

configure_package_config_file(cmake/anew-config.cmake.in ${PROJECT_BINARY_DIR}/anew-config.cmake
                              INSTALL_DESTINATION ${package_directory})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/anew-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/anew-config.cmake ${PROJECT_BINARY_DIR}/anew-config-version.cmake
        DESTINATION ${package_directory} COMPONENT libanew-dev)

# All that is installed, for those who build nothing else.
add_custom_target(anew_installed DEPENDS anew anew_shared)
foreach(target anew_substrate anew_wasi)
  if(TARGET ${target})
    add_dependencies(anew_installed ${target} ${target}_shared)
  endif()
endforeach()
if(TARGET anew_command)
  add_dependencies(anew_installed anew_command anew_said)
endif()
if(TARGET anew_optimizer)
  add_dependencies(anew_installed anew_optimizer)
endif()
