#!lua
-- requeue: puts a dead entry back into the stream, with the same key and the same bytes. Once: a second call finds nothing.
-- KEYS: 1 dead 2 intents  ARGV: 1 ID in the dead stream  Reply: its new entry ID, or nil when it is not there or was lost
redis.call('XLEN', KEYS[2])
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return false end
local fields, original = found[1][2], {}
for n = 7, #fields do original[#original + 1] = fields[n] end
if #original == 0 then return false end
local entry = redis.call('XADD', KEYS[2], '*', unpack(original))
redis.call('XDEL', KEYS[1], ARGV[1])
return entry
