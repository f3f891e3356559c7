# till_redis: the one seam to hiredis, and where its options come from.
set(seam command redis redis_config redis_dial redis_durable redis_error redis_greet redis_link redis_nodes redis_password redis_reply
    redis_route redis_script redis_sentinel redis_slot redis_tls redis_topology redis_url)
list(TRANSFORM seam REPLACE "(.+)" "${CMAKE_CURRENT_LIST_DIR}/\\1.c")
add_library(till_redis STATIC ${seam})
target_link_libraries(till_redis PUBLIC till_schema till_config Threads::Threads PRIVATE PkgConfig::HIREDIS)
if(HIREDIS_SSL_FOUND)
  target_compile_definitions(till_redis PUBLIC TILL_TLS)
  target_link_libraries(till_redis PRIVATE PkgConfig::HIREDIS_SSL)
endif()
