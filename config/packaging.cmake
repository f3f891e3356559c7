# What is installed beside the programs and the library: man pages and completion, both made by the programs just built from the tables of
# their help; units; documents. And all of it as Debian packages: `cpack -G DEB --config build/CPackConfig.cmake -B DIR`.

# --- man pages, completion ---
if(NOT TILL_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
  set(made ${CMAKE_BINARY_DIR}/made)
  add_custom_command(
    OUTPUT ${made}/stamp
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${made}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${made}/man1 ${made}/man5 ${made}/man8
    COMMAND sh -ec "$<TARGET_FILE:till_worker> --help | $<TARGET_FILE:till_manual> made"
    COMMAND sh -ec "cd made; mv *.1 man1; mv *.5 man5; mv *.8 man8"
    COMMAND sh -ec "for shell in bash zsh fish; do $<TARGET_FILE:till_cli> completion $shell >made/$shell; done"
    COMMAND ${CMAKE_COMMAND} -E touch ${made}/stamp
    WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
    DEPENDS till_worker till_manual till_cli
    COMMENT "Writing man pages and completion"
    VERBATIM)
  add_custom_target(till_made ALL DEPENDS ${made}/stamp)
  install(DIRECTORY ${made}/man1 ${made}/man5 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT till)
  install(DIRECTORY ${made}/man8 DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT till-worker)
  install(FILES ${made}/bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME till COMPONENT till)
  install(FILES ${made}/zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions RENAME _till COMPONENT till)
  install(FILES ${made}/fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d RENAME till.fish COMPONENT till)
endif()

# --- units, documents ---
set(units ${CMAKE_CURRENT_LIST_DIR}/systemd)
file(GLOB others CONFIGURE_DEPENDS ${units}/*.service ${units}/*.socket ${units}/*.timer)
list(REMOVE_ITEM others ${units}/till-worker@.service)
install(FILES ${others} DESTINATION lib/systemd/system COMPONENT till)
install(FILES ${units}/till-.service.d/hardening.conf DESTINATION lib/systemd/system/till-.service.d COMPONENT till)
install(FILES ${units}/till-worker@.service DESTINATION lib/systemd/system COMPONENT till-worker)

set(packages till till-worker libtill1 libtill-dev)
foreach(package ${packages})
  install(FILES ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${package} RENAME copyright COMPONENT ${package})
endforeach()
set(documents ${CMAKE_INSTALL_DATADIR}/doc/till)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md DESTINATION ${documents} COMPONENT till)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/README.md DESTINATION ${documents} RENAME settings.md COMPONENT till)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/operating.md ${CMAKE_CURRENT_LIST_DIR}/incidents.md DESTINATION ${documents} COMPONENT till)
install(FILES ${CMAKE_SOURCE_DIR}/schema/README.md DESTINATION ${documents} RENAME wire.md COMPONENT till)
foreach(example till.yaml prometheus-rules.yml grafana-dashboard.json)
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/${example} DESTINATION ${documents}/examples COMPONENT till)
endforeach()
# The settings of a machine belong to its packages; whoever installs by hand writes his own.
install(FILES ${CMAKE_CURRENT_LIST_DIR}/debian/till.yaml DESTINATION /etc/till COMPONENT till EXCLUDE_FROM_ALL)

# --- Debian packages ---
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME till)
set(CPACK_PACKAGE_CONTACT "The maintainers of Till <maintainers@till.invalid>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL ${packages})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY >=)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# package(NAME SECTION DEPENDS SUMMARY [SCRIPT...])
function(package name section depends summary)
  string(TOUPPER ${name} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "${depends}" PARENT_SCOPE)
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}" PARENT_SCOPE)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_LIST_DIR}/debian/${name}/)
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${ARGN}" PARENT_SCOPE)
endfunction()

if(MSGPACK_MODULE_NAME STREQUAL msgpack-c)
  set(headers libmsgpack-c-dev)
else()
  set(headers libmsgpack-dev)
endif()
if(HIREDIS_SSL_FOUND)
  string(APPEND headers ", libssl-dev")
endif()
package(till admin adduser
        "The command that sends payment intents to a book, shows and operates it;\nits gateway, archive and timers as systemd units."
        postinst prerm postrm conffiles)
package(till-worker admin "till (= ${PROJECT_VERSION})"
        "The worker: takes its share of a book's partitions, applies the payment\nintents that wait there exactly once, and answers them."
        postinst prerm postrm)
package(libtill1 libs "" "The library that sends payment intents to Till and reads its answers.")
package(libtill-dev libdevel "libtill1 (= ${PROJECT_VERSION}), libhiredis-dev, ${headers}, libsodium-dev, zlib1g-dev"
        "Header, static library and pkg-config file of libtill1.")
set(CPACK_DEBIAN_LIBTILL-DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_TILL-WORKER_PACKAGE_SUGGESTS redis-server)
include(CPack)
