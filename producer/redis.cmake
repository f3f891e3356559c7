# till_redis: the one seam to hiredis, and where its options come from.
set(seam command redis redis_config redis_dial redis_durable redis_error redis_greet redis_link redis_nodes redis_password redis_reply
    redis_route redis_script redis_sentinel redis_slot redis_tls redis_topology redis_tree redis_url)
list(TRANSFORM seam REPLACE "(.+)" "${CMAKE_CURRENT_LIST_DIR}/\\1.c")
add_library(till_redis STATIC ${seam})
target_link_libraries(till_redis PUBLIC till_schema till_config Threads::Threads PRIVATE PkgConfig::HIREDIS)

# What its reader tells of: counts of elements are size_t since 1.0, doubles and booleans since RESP3.
include(CheckCSourceCompiles)
include(CheckStructHasMember)
set(CMAKE_REQUIRED_LIBRARIES PkgConfig::HIREDIS)
set(CMAKE_REQUIRED_FLAGS -Werror)
check_c_source_compiles("#include <hiredis/hiredis.h>
static void *create(const redisReadTask *task, size_t count) { return task && count ? (void *)0 : (void *)0; }
int main(void) { redisReplyObjectFunctions f = {.createArray = create}; return f.createArray == 0; }" HIREDIS_COUNTS_SIZES)
unset(CMAKE_REQUIRED_FLAGS)
check_struct_has_member(redisReplyObjectFunctions createDouble hiredis/hiredis.h HIREDIS_RESP3)
unset(CMAKE_REQUIRED_LIBRARIES)
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/redis_tree.c PROPERTIES COMPILE_DEFINITIONS
  "TILL_HIREDIS_COUNT=$<IF:$<BOOL:${HIREDIS_COUNTS_SIZES}>,size_t,int>;$<$<BOOL:${HIREDIS_RESP3}>:TILL_HIREDIS_RESP3>")

if(HIREDIS_SSL_FOUND)
  target_compile_definitions(till_redis PUBLIC TILL_TLS)
  target_link_libraries(till_redis PRIVATE PkgConfig::HIREDIS_SSL)
endif()
