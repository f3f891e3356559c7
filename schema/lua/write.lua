-- write: everything the batch decided. What can still fail comes first: appending to streams (a wrong type, IDs exhausted), undone by
-- deleting what was appended, and the acknowledgement (a wrong type). Nothing after those can fail: all other keys have been read.

local appended = {}

-- `i`: the entry whose answer it is; it is named when the stream of its source is unusable.
local function undo_if_failed(place, reply, i)
  if type(reply) ~= 'table' or not reply.err then return end
  for n = 1, #appended, 2 do redis.call('XDEL', KEYS[appended[n]], appended[n + 1]) end
  current = i or 0
  broken(KEYS[place], reply.err)
end

local function keep_appended(place, id, i)
  undo_if_failed(place, id, i)
  appended[#appended + 1], appended[#appended + 2] = place, id
end

local function append_all()
  if #rows > 0 then keep_appended(LEDGER, redis.pcall('XADD', KEYS[LEDGER], '*', 'rows', cmsgpack.pack(rows))) end
  for n = 1, #buried do
    local i = buried[n]
    keep_appended(DEAD, redis.pcall('XADD', KEYS[DEAD], '*', 'entry', ENTRY[i], 'reason', DETAIL[i], 'attempts', ATTEMPTS[i] or 0,
      unpack(RAW[i])))
  end
  for n = 1, #answers do keep_appended(answers[n][1], respond(answers[n]), answers_to[n]) end
  if #acknowledged > 0 then undo_if_failed(INTENTS, redis.pcall('XACK', KEYS[INTENTS], 'workers', unpack(acknowledged))) end
end

local function write_account(a)
  local key = KEYS[a.place]
  if a.new then
    return redis.call('HSET', key, 'kind', a.kind, 'currency', a.currency, 'status', a.status, 'balance', a.balance_text, 'held',
      a.held_text, 'seq', to_text(a.seq), 'opened', a.opened, 'changed', a.changed)
  end
  if a.new_status then redis.call('HSET', key, 'status', a.status) end
  if a.new_held then redis.call('HSET', key, 'held', a.held_text) end
  redis.call('HSET', key, 'balance', a.balance_text, 'seq', to_text(a.seq), 'changed', a.changed)
end

local function write_batch()
  if #unanswered > 0 then redis.call('HLEN', KEYS[UNANSWERED]) end -- raises on a wrong type, with nothing written yet
  append_all()
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
