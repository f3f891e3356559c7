-- bills: the records of decided intents, as one batch sees them. A record lies under the day of its entry; KEYS[BILLS] is the
-- batch's day, KEYS[BILLS_BEFORE] the day before. Nothing here writes to Redis.
local decided = {}   -- identity -> record decided in this batch, under KEYS[BILLS]
local rewritten = {} -- place in KEYS -> identity -> record of an earlier batch that changed
local referred = {}  -- place in KEYS .. identity -> parsed record

local RECORD = '^' .. string.rep('([^|]*)|', 14) .. '([^|]*)$'

local function parse_bill(record, key)
  local b = {}
  b.fingerprint, b.code, b.op, b.bill, b.amount, b.currency, b.balance, b.held, b.at, b.entry, b.to, b.state, b.captured,
    b.refunded, b.detail = string.match(record, RECORD)
  b.code = to_integer(b.code)
  b.captured, b.refunded = to_integer(b.captured), to_integer(b.refunded)
  if not (b.code and REASON[b.code] and b.captured and b.refunded) then broken(key, 'bill record is malformed') end
  return b
end

local function format_bill(b)
  return table.concat({ b.fingerprint, b.code, b.op, b.bill, to_text(b.amount), b.currency, to_text(b.balance), to_text(b.held),
    to_text(b.at), b.entry, b.to, b.state, to_text(b.captured), to_text(b.refunded), b.detail }, '|')
end

local function read_bill(place, identity)
  local record = redis.pcall('HGET', KEYS[place], identity)
  if type(record) == 'table' and record.err then broken(KEYS[place], record.err) end
  return record
end

-- The bill that intent i refers to by `of`, parsed, and nil when there is none. One table per bill, however often it is referred to.
local function bill_of(i)
  local identity, place = i[OF], i[OF_KEY]
  local record
  if place == 0 then
    place, record = BILLS, decided[identity] or read_bill(BILLS, identity)
    if not record then place, record = BILLS_BEFORE, read_bill(BILLS_BEFORE, identity) end
  else
    record = (place == BILLS and decided[identity]) or (rewritten[place] or {})[identity] or read_bill(place, identity)
  end
  if not record then return nil end
  local name = place .. ' ' .. identity
  local b = referred[name]
  if not b then
    b = parse_bill(record, KEYS[place])
    b.amount, b.balance, b.held, b.at = tonumber(b.amount) or '', tonumber(b.balance) or '', tonumber(b.held) or '', tonumber(b.at) or ''
    b.place, b.identity = place, identity
    referred[name] = b
  end
  return b
end

-- Only state, captured and refunded of a bill ever change; what was answered stays as answered.
local function rewrite_bill(b)
  if b.place == BILLS and decided[b.identity] then
    decided[b.identity] = format_bill(b)
  else
    local day = rewritten[b.place] or {}
    day[b.identity] = format_bill(b)
    rewritten[b.place] = day
  end
end
