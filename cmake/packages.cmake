# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Debian packages of what cmake/install.cmake installs, which says what each holds: `make packages`.
#
# Those who link a shared library get their dependency by dpkg-shlibdeps. The versions of symbols keep apart what does not
# fit (cmake/anew.map.in), but for libanew_substrate, which depends on the libanew of the same build.
set(ANEW_PACKAGER "The authors of Anew <anew@localhost>" CACHE STRING "Who the Debian packages name as their maintainer")
set(substrate_packages)
if(TARGET anew_substrate)
  set(substrate_packages libanew-substrate1 libanew-substrate-dev)
endif()
set(command_package)
if(TARGET anew_command)
  set(command_package anew)
endif()
set(optimizer_package)
if(TARGET anew_optimizer)
  set(optimizer_package anew-optimizer)
endif()
set(CPACK_COMPONENTS_ALL ${command_package} ${optimizer_package} libanew1 libanew-dev ${substrate_packages})

# Each package says what its licence is and what changed.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # that of SOURCE_DATE_EPOCH if it is set
configure_file(cmake/debian/changelog.in ${PROJECT_BINARY_DIR}/debian/changelog.Debian @ONLY)
configure_file(CHANGELOG.md ${PROJECT_BINARY_DIR}/debian/changelog COPYONLY)
execute_process(COMMAND gzip -9nfk changelog changelog.Debian WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/debian
                COMMAND_ERROR_IS_FATAL ANY)
foreach(package IN LISTS CPACK_COMPONENTS_ALL)
  install(FILES cmake/debian/copyright ${PROJECT_BINARY_DIR}/debian/changelog.gz
                ${PROJECT_BINARY_DIR}/debian/changelog.Debian.gz
          DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/${package} COMPONENT ${package} EXCLUDE_FROM_ALL)
endforeach()
# CMake leaves static libraries as they are when it strips. PATTERN: as file(GLOB) takes it.
function(strip_archives component pattern)
  install(CODE "
    if(CMAKE_INSTALL_DO_STRIP)
      file(GLOB archives \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/${pattern}\")
      foreach(archive IN LISTS archives)
        execute_process(COMMAND ${CMAKE_STRIP} --strip-debug --enable-deterministic-archives \"\${archive}\" COMMAND_ERROR_IS_FATAL ANY)
      endforeach()
    endif()" COMPONENT ${component})
endfunction()
strip_archives(libanew-dev libanew*.a)
if(substrate_packages)
  strip_archives(libanew-substrate-dev libanew_substrate.a)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)  # a package for each component
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SOURCE anew)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${ANEW_PACKAGER})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})  # where libanew_substrate.so finds libanew.so
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")  # the C API goes on; versions of symbols tell of the rest
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# Shared libraries are to be known to the dynamic linker.
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")

# describe(PACKAGE SECTION DEPENDS SUMMARY TEXT): a package's control file. With an empty DEPENDS it needs what
# dpkg-shlibdeps finds.
macro(describe package section depends summary text)
  string(TOUPPER ${package} name)
  set(CPACK_DEBIAN_${name}_PACKAGE_NAME ${package})
  set(CPACK_DEBIAN_${name}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${name}_PACKAGE_DEPENDS "${depends}")
  set(CPACK_DEBIAN_${name}_DESCRIPTION "${summary}\n${text}")
  if("${section}" STREQUAL "libs")
    set(CPACK_DEBIAN_${name}_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/triggers)
  endif()
endmacro()
set(this_version "(= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(about "Anew runs WebAssembly. Each call finds an instance as new, at close to the\nprice of a plain call.")
describe(anew utils "" "WebAssembly engine that runs each call in an instance as new"
         "${about}\n.\nThis package has the command.")
describe(anew-optimizer utils "" "WebAssembly engine that runs each call in an instance as new - optimizer"
         "${about}\n.\nThis package has the program that libanew starts to optimize code with LLVM.")
describe(libanew1 libs "" "WebAssembly engine that runs each call in an instance as new - library"
         "${about}\n.\nThis package has the shared libraries, with WASI preview 1.")
describe(libanew-dev libdevel "libanew1 ${this_version}, libfmt-dev, libxxhash-dev, libsodium-dev, pkg-config"
         "WebAssembly engine that runs each call in an instance as new - development"
         "${about}\n.\nThis package has the headers for C and C++, and the static libraries.")
describe(libanew-substrate1 libs "libanew1 ${this_version}" "runtimes of Substrate chains on Anew - library"
         "${about}\n.\nThis package has the library that executes the blocks of Substrate chains by\ntheir own runtimes.")
describe(libanew-substrate-dev libdevel
         "libanew-substrate1 ${this_version}, libanew-dev ${this_version}, libzstd-dev, libbotan-2-dev, libsecp256k1-dev"
         "runtimes of Substrate chains on Anew - development"
         "${about}\n.\nThis package has the headers and the static library for runtimes of Substrate\nchains.")
# Of one build, or libanew does without it.
set(CPACK_DEBIAN_ANEW-OPTIMIZER_PACKAGE_ENHANCES "libanew1 ${this_version}, anew ${this_version}")
include(CPack)
