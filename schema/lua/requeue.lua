#!lua
-- requeue: puts a dead entry back into the stream, with the same key and the same bytes. Once: a second call finds nothing.
-- KEYS: 1 dead 2 intents  ARGV: 1 ID in the dead stream, then of a bulk entry each intent, its signature and traceparent, '' for none
-- Reply: its new entry ID (of several the first), or nil when it is not there or was lost
redis.call('XLEN', KEYS[2])
local found, first = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]), nil
if #found == 0 then return false end
local function put_back(...)
  local entry = redis.call('XADD', KEYS[2], '*', ...)
  first = first or entry
end
for n = 2, #ARGV, 3 do -- one by one: together they failed
  local fields = { 'intent', ARGV[n] }
  if ARGV[n + 1] ~= '' then fields[3], fields[4] = 'sig', ARGV[n + 1] end
  if ARGV[n + 2] ~= '' then fields[#fields + 1], fields[#fields + 2] = 'traceparent', ARGV[n + 2] end
  put_back(unpack(fields))
end
if not first then
  local fields, original = found[1][2], {}
  for n = 7, #fields do original[#original + 1] = fields[n] end
  if #original == 0 then return false end
  put_back(unpack(original))
end
redis.call('XDEL', KEYS[1], ARGV[1])
return first
