-- write: everything the batch decided. Appending to streams can still fail (their IDs can be exhausted), so it comes first and is undone
-- by deleting what was appended; nothing after it can fail, because check_types has seen every key.

local function stream_or_broken(place, n)
  local size = redis.pcall('XLEN', KEYS[place])
  if type(size) == 'table' then
    current = n or 0
    broken(KEYS[place], size.err)
  end
end

-- Which entry of the batch waits for an answer on this stream: it is named when the stream turns out to be unusable.
local function check_types()
  stream_or_broken(INTENTS)
  if #rows > 0 then stream_or_broken(LEDGER) end
  if #buried > 0 then stream_or_broken(DEAD) end
  if #unanswered > 0 then redis.call('HLEN', KEYS[UNANSWERED]) end
  local seen = {}
  for n = 1, #answers do
    local place = answers[n][1]
    if not seen[place] then
      seen[place] = true
      stream_or_broken(place, answers_to[n])
    end
  end
end

local function append_all()
  local appended = {}
  local function keep(place, id, entry)
    if type(id) == 'table' and id.err then
      for n = 1, #appended do redis.call('XDEL', appended[n][1], appended[n][2]) end
      current = entry or 0
      broken(KEYS[place], id.err)
    end
    appended[#appended + 1] = { KEYS[place], id }
  end
  if #rows > 0 then keep(LEDGER, redis.pcall('XADD', KEYS[LEDGER], '*', 'rows', cmsgpack.pack(rows))) end
  for n = 1, #buried do
    local i = buried[n]
    keep(DEAD, redis.pcall('XADD', KEYS[DEAD], '*', 'entry', i[ENTRY], 'reason', i[DETAIL], 'attempts', i[ATTEMPTS], unpack(i[RAW])))
  end
  for n = 1, #answers do keep(answers[n][1], respond(answers[n]), answers_to[n]) end
end

local function write_records(place, records)
  local args = {}
  for identity, record in pairs(records) do
    args[#args + 1], args[#args + 2] = identity, record
  end
  if #args > 0 then redis.call('HSET', KEYS[place], unpack(args)) end
end

local function write_account(a)
  if a.new then
    redis.call('HSET', KEYS[a.key], 'kind', a.kind, 'currency', a.currency, 'status', a.status, 'balance', a.balance, 'held', a.held,
      'seq', a.seq, 'opened', a.opened, 'changed', a.changed)
  else
    redis.call('HSET', KEYS[a.key], 'status', a.status, 'balance', a.balance, 'held', a.held, 'seq', a.seq, 'changed', a.changed)
  end
end

local function write_batch(drops)
  append_all()
  for n = DEAD + 1, DEAD + drops do redis.call('UNLINK', KEYS[n]) end
  write_records(BILLS, decided)
  for place, records in pairs(rewritten) do write_records(place, records) end
  for n = 1, #touched do write_account(touched[n]) end
  if #unanswered > 0 then redis.call('HSET', KEYS[UNANSWERED], unpack(unanswered)) end
  local meta = { 'applied', applied, 'bill', last_bill }
  for from, entry in pairs(new_origins) do
    meta[#meta + 1], meta[#meta + 2] = from, entry
  end
  redis.call('HSET', KEYS[META], unpack(meta))
  if #acknowledged > 0 then redis.call('XACK', KEYS[INTENTS], 'workers', unpack(acknowledged)) end
end
