-- write: everything the batch decided. What can still fail comes first: appending to streams (a wrong type, IDs exhausted), undone by
-- deleting what was appended, and the acknowledgement (a wrong type). Nothing after those can fail: all other keys have been read.

--@call
local appended = {} -- place in KEYS, ID of the new entry, ...: the ledger's and the dead
local answered = {} -- IDs of the new entries of `answers`
local failed = 0    -- what is being appended to; 0: the next of `answers`
--@once

local function stream_of(m) return type(answers[m]) == 'number' and RESPONSES_KEY[answers[m]] or answers[m][1] end

--@include append.lua

-- redis.call raises here: that costs nothing where all goes well, unlike looking at every reply.
local function append_all()
  if row_count > 0 then
    failed = PLACE.ledger
    appended[1], appended[2] = failed, call('XADD', KEYS[failed], '*', 'rows', cmsgpack.pack(rows))
  end
  failed = PLACE.dead
  if made then made.append_rest(appended) end
  failed = 0
  append_answers()
  failed = PLACE.intents
  local done, last = {}, nil -- all entries but those whose answer is held back; the intents of a bulk entry have one ID
  for i = 1, count do
    local entry = ENTRY[i]
    if entry ~= last and not (held_back and held_back[entry]) then done[#done + 1] = entry end
    last = entry
  end
  if #done > 0 then call('XACK', KEYS[failed], 'workers', unpack(done, 1, #done)) end
end

--@call
if made then made.check_rest() end
local fine, err = pcall(append_all)

if not fine then
  for n = 1, #appended - 1, 2 do call('XDEL', KEYS[appended[n]], appended[n + 1]) end
  for m = 1, #answered do call('XDEL', KEYS[stream_of(m)], answered[m]) end
  if failed == 0 then
    current = answers_to[#answered + 1]
    failed = stream_of(#answered + 1)
  end
  broken(KEYS[failed], err.err or tostring(err))
end

for n = PLACE.merchants + 1, PLACE.merchants + drops do call('UNLINK', KEYS[n]) end
do
  local meta = { 'applied', applied, 'bill', to_text(last_bill) }
  if made then made.write_rest(meta) end
  if record_size > 0 then call('HSET', KEYS[PLACE.bills], unpack(records, 1, record_size)) end
  for n = 1, touched_count do write_account(touched[n]) end
  call('HSET', KEYS[PLACE.meta], unpack(meta))
end
