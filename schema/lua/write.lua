-- write: everything the batch decided. What can still fail comes first: appending to streams (a wrong type, IDs exhausted), undone by
-- deleting what was appended, and the acknowledgement (a wrong type). Nothing after those can fail: all other keys have been read.

local appended = {} -- place in KEYS, ID of the new entry, ...
local failed = 0    -- what is being appended to, and the entry whose answer it is (0: none)

-- redis.call raises here: that costs nothing where all goes well, unlike looking at every reply.
local function append_all()
  local call, n = redis.call, 0
  if #rows > 0 then
    failed = LEDGER
    appended[1], appended[2], n = LEDGER, call('XADD', KEYS[LEDGER], '*', 'rows', cmsgpack.pack(rows)), 2
  end
  for b = 1, #buried do
    local i = buried[b]
    failed = DEAD
    appended[n + 1] = DEAD
    appended[n + 2] = call('XADD', KEYS[DEAD], '*', 'entry', ENTRY[i], 'reason', DETAIL[i], 'attempts', ATTEMPTS[i] or 0, unpack(RAW[i]))
    n = n + 2
  end
  for m = 1, #answers do
    local a = answers[m]
    failed, current = a[1], answers_to[m]
    appended[n + 1], appended[n + 2], n = failed, respond(a), n + 2
  end
  failed, current = INTENTS, 0
  if #acknowledged > 0 then call('XACK', KEYS[INTENTS], 'workers', unpack(acknowledged)) end
end

local function append_or_undo()
  local fine, err = pcall(append_all)
  if fine then return end
  for n = 1, #appended - 1, 2 do redis.call('XDEL', KEYS[appended[n]], appended[n + 1]) end
  broken(KEYS[failed], err.err or tostring(err))
end

local function write_account(a)
  local key = KEYS[a.place]
  if a.new then
    return redis.call('HSET', key, 'kind', a.kind, 'currency', a.currency, 'status', a.status, 'balance', to_text(a.balance),
      'held', to_text(a.held), 'seq', to_text(a.seq), 'opened', a.opened, 'changed', a.changed)
  end
  if a.new_status then redis.call('HSET', key, 'status', a.status) end
  if a.new_held then redis.call('HSET', key, 'held', to_text(a.held)) end
  redis.call('HSET', key, 'balance', to_text(a.balance), 'seq', to_text(a.seq), 'changed', a.changed)
end

local function write_batch()
  if #unanswered > 0 then redis.call('HLEN', KEYS[UNANSWERED]) end -- raises on a wrong type, with nothing written yet
  append_or_undo()
  for n = DEAD + 1, DEAD + drops do redis.call('UNLINK', KEYS[n]) end
  if #records > 0 then redis.call('HSET', KEYS[BILLS], unpack(records)) end
  for place, list in pairs(rewritten) do redis.call('HSET', KEYS[place], unpack(list)) end
  for n = 1, #touched do write_account(touched[n]) end
  if #unanswered > 0 then redis.call('HSET', KEYS[UNANSWERED], unpack(unanswered)) end
  local meta = { 'applied', applied, 'bill', to_text(last_bill) }
  for from, entry in pairs(new_origins) do
    meta[#meta + 1], meta[#meta + 2] = from, entry
  end
  redis.call('HSET', KEYS[META], unpack(meta))
end
