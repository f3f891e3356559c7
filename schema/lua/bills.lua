-- bills: the records of decided intents, as one batch sees them. A record lies under the day of its entry; KEYS[PLACE.bills] is the
-- batch's day, KEYS[PLACE.bills_before] the day before. Nothing here writes to Redis.
--@call
local referred = {} -- place in KEYS .. identity -> parsed record
--@once

-- Operations that may have consequences elsewhere. Nobody hears of those before they are on their way, through a repetition neither.
local WAITS = { open = true, freeze = true, thaw = true, close = true, settle = true }
local MOVES = { topup = true, withdraw = true, pay = true, refund = true, rollback = true, hold = true, capture = true, release = true,
                transfer = true, group = true }
local FIELD = '([^|]*)|'
local SEVEN = FIELD .. FIELD .. FIELD .. FIELD .. FIELD .. FIELD .. FIELD
local RECORD = '^' .. SEVEN .. SEVEN .. '([^|]*)$'

-- Everything stays text but what is compared and counted with: code, amount, captured, refunded.
local function parse_bill(record, key)
  local b = {}
  b.fingerprint, b.code, b.op, b.bill, b.amount_text, b.currency, b.balance, b.held, b.at, b.entry, b.to, b.state, b.captured,
    b.refunded, b.detail = string.match(record, RECORD)
  b.code, b.amount = to_integer(b.code), to_integer(b.amount_text)
  b.captured, b.refunded = to_integer(b.captured), to_integer(b.refunded)
  local moved = b.amount or not (MOVES[b.op] and b.code == CODE.ok or b.amount_text ~= '')
  if not (b.code and REASON[b.code] and b.captured and b.refunded and moved) then broken(key, 'bill record is malformed') end
  return b
end

local function format_bill(b)
  return b.fingerprint .. '|' .. to_text(b.code) .. '|' .. b.op .. '|' .. b.bill .. '|' .. b.amount_text .. '|' .. b.currency .. '|'
    .. b.balance .. '|' .. b.held .. '|' .. b.at .. '|' .. b.entry .. '|' .. b.to .. '|' .. b.state .. '|' .. to_text(b.captured) .. '|'
    .. to_text(b.refunded) .. '|' .. b.detail
end

local function read_bill(place, identity)
  local record = redis.pcall('HGET', KEYS[place], identity)
  if type(record) == 'table' and record.err then broken(KEYS[place], record.err) end
  return record
end

-- The bill that intent i refers to by `of`, parsed, and nil when there is none. One table per bill, however often it is referred to.
local function bill_of(i)
  local identity, place = OF[i], OF_KEY[i] or 0
  local record
  if place > PLACE.merchants and place <= PLACE.merchants + drops then return nil end -- its day is dropped by this very batch
  if place ~= 0 then
    record = (place == PLACE.bills and decided[identity]) or read_bill(place, identity)
  else
    place, record = PLACE.bills, decided[identity] or read_bill(PLACE.bills, identity)
    if not record then place, record = PLACE.bills_before, read_bill(PLACE.bills_before, identity) end
    local old = MORE.OF_OLD_KEY[i] or 0
    if not record and old > PLACE.merchants + drops then place, record = old, read_bill(old, identity) end
  end
  if not record then return nil end
  local name = place .. ' ' .. identity
  local b = referred[name]
  if not b then
    b = parse_bill(record, KEYS[place])
    b.place, b.identity = place, identity
    referred[name] = b
  end
  if b.gone then return nil end
  return b
end

local function add_record(identity, record)
  records[record_size + 1], records[record_size + 2] = identity, record
  record_size = record_size + 2
end
