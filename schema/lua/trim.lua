#!lua flags=allow-oom
-- trim: takes what is old off the front of one stream, a few entries at a time, and notes what came of it. Never an intent that is pending,
-- not applied or not delivered, never what is not archived; what a consumer group of somebody else's has not read only when it is late
-- beyond measure, and then it is counted. Frees memory: hence allow-oom.
-- KEYS: 1 meta 2 trimmed 3 the stream
-- ARGV: 1 epoch 2 its name: intents, ledger, dead, discarded, responses:SOURCE 3 for how many ms entries are kept, by the server's clock,
--       or keep 4 for how many more while a group has not read them, or keep 5 up to which ID it is archived ('': does not matter)
--       6 entries archived, to be noted ('': not known) 7 what is wrong with the archive, to be noted ('': nothing,
--       -: not known) 8 how many at most
-- Reply: { entries cut (0: no more for now), of them unread by a group, name of the group that holds it up or '' }
-- Errors: FENCED
--@include fence.lua
--@include number.lua
local TRIMMED, STREAM = KEYS[2], KEYS[3]
local name, limit = ARGV[2], tonumber(ARGV[8])

-- The ID before which entries are older than that.
local function before(ms)
  local time = call('TIME')
  local at = ms and time[1] * 1000 + math.floor(time[2] / 1000) - ms or 0
  return to_text(at > 0 and at or 0) .. '-0'
end

local function earlier(a, b) return comes_after(a, b) and b or a end

-- The first ID that a group still needs.
local function needed(group)
  if group.pending > 0 then return call('XPENDING', STREAM, group.name)[2] end
  local ms, seq = string.match(group['last-delivered-id'], '^(%d+)%-(%d+)$')
  local next_seq = to_integer(seq)
  return next_seq and next_seq < MAX and ms .. '-' .. to_text(next_seq + 1) or group['last-delivered-id']
end

local function groups_of_stream()
  local groups = {}
  if call('XLEN', STREAM) == 0 then return groups end
  for n, fields in ipairs(call('XINFO', 'GROUPS', STREAM)) do
    groups[n] = {}
    for f = 1, #fields, 2 do groups[n][fields[f]] = fields[f + 1] end
  end
  return groups
end

-- Takes off what comes before `id`: whole nodes while there are any, and only then entry by entry, which costs more.
local function cut(id)
  local count = call('XTRIM', STREAM, 'MINID', '~', id, 'LIMIT', limit)
  if count > 0 or id == '0-0' then return count end
  local page = call('XRANGE', STREAM, '-', '(' .. id, 'COUNT', limit + 1)
  if #page == 0 then return 0 end
  return call('XTRIM', STREAM, 'MINID', '=', #page > limit and page[limit + 1][1] or id)
end

local function note(field, value)
  if value ~= '' then call('HSET', TRIMMED, field, value) else call('HDEL', TRIMMED, field) end
end

local meta = call('HMGET', KEYS[1], 'epoch', 'applied', 'bill', 'halted', 'replaying')
check_epoch(meta[1], ARGV[1])
if meta[5] then return { 0, 0, '' } end -- what is being rebuilt is old, all of it
local known = call('HMGET', TRIMMED, 'cut:' .. name, 'behind:' .. name, 'held:' .. name, 'archive')
if not (to_integer(known[1] or '0') and to_integer(known[2] or '0')) then error({ err = 'ERR ' .. TRIMMED .. ' is malformed' }) end
local groups = groups_of_stream()
local kept, longer, done = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local old, late = before(kept), before(kept and longer and kept + longer)
if name == 'intents' then done = earlier(done ~= '' and done or old, meta[2] or '0-0') end
local unread, holder, workers
for n = 1, #groups do
  local first = needed(groups[n])
  if name == 'intents' and groups[n].name == 'workers' then
    done, workers = earlier(done, first), true
  elseif not unread or comes_after(unread, first) then
    unread, holder = first, groups[n].name
  end
end
if meta[4] or (name == 'intents' and not workers) then done = '0-0' end
if done ~= '' then old, late = earlier(old, done), earlier(late, done) end
if unread and (not comes_after(old, unread) or #call('XRANGE', STREAM, unread, '(' .. old, 'COUNT', 1) == 0) then unread = nil end

local behind, count = 0, cut(unread or old)
if unread and count == 0 and comes_after(late, unread) then
  count = cut(late)
  behind = count
end
if count > 0 or not known[1] then call('HINCRBY', TRIMMED, 'cut:' .. name, count) end
if behind > 0 then call('HINCRBY', TRIMMED, 'behind:' .. name, behind) end
holder = unread and holder or ''
if holder ~= (known[3] or '') then note('held:' .. name, holder) end
if ARGV[7] ~= '-' and ARGV[7] ~= (known[4] or '') then note('archive', ARGV[7]) end
if ARGV[6] ~= '' then call('HSET', TRIMMED, 'archived:' .. name, ARGV[6]) end
if name == 'ledger' and count > 0 then -- how far the bills went that are gone: what is left must go on from there
  local first = call('XRANGE', STREAM, '-', '+', 'COUNT', 1)[1]
  local bill = first and string.match(table.concat(first[2], ' '), '%-(%d+)')
  if bill then note('bill', to_text(bill - 1)) elseif not first then note('bill', meta[3] or '0') end
end
return { count, behind, holder }
