# till_redis: the one seam to hiredis, and where its options come from.
add_library(till_redis STATIC
  ${CMAKE_CURRENT_LIST_DIR}/command.c ${CMAKE_CURRENT_LIST_DIR}/redis.c ${CMAKE_CURRENT_LIST_DIR}/redis_config.c
  ${CMAKE_CURRENT_LIST_DIR}/redis_dial.c ${CMAKE_CURRENT_LIST_DIR}/redis_error.c ${CMAKE_CURRENT_LIST_DIR}/redis_reply.c ${CMAKE_CURRENT_LIST_DIR}/redis_script.c
  ${CMAKE_CURRENT_LIST_DIR}/redis_url.c)
target_link_libraries(till_redis PUBLIC till_schema till_config Threads::Threads PRIVATE PkgConfig::HIREDIS)
