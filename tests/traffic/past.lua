-- past: begins a book in last month, before a worker has seen it: merchants past00000 .. who are known in every partition, a user in each of
-- these who pays every merchant 10.00 PAYMENTS times (1), under the keys USER-MERCHANT-N, and a fee of 1 %. Nobody sends intents with IDs of
-- last month, so this writes the streams. Replies with the users, in the order of their partitions.
--   redis-cli --eval past.lua , BOOK PARTITIONS MERCHANTS [PAYMENTS]
local book, partitions, merchants, payments = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4] or 1)
local now = redis.call('TIME')
local days = math.floor(now[1] / 86400)

-- 00:00 UTC of the day in the middle of last month: 15 days before this one's first.
local function day_of_month(day)
  local left, year = day, 1970
  local function is_leap(y) return (y % 4 == 0 and y % 100 ~= 0) or y % 400 == 0 end
  while left >= (is_leap(year) and 366 or 365) do left, year = left - (is_leap(year) and 366 or 365), year + 1 end
  local lengths = { 31, is_leap(year) and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
  local month = 1
  while left >= lengths[month] do left, month = left - lengths[month], month + 1 end
  return left
end
local ms = (days - day_of_month(days) - 15) * 86400000

local function crc32(text)
  local crc = bit.bnot(0)
  for n = 1, #text do
    crc = bit.bxor(crc, string.byte(text, n))
    for _ = 1, 8 do crc = bit.bxor(bit.rshift(crc, 1), bit.band(0xedb88320, -bit.band(crc, 1))) end
  end
  crc = bit.bnot(crc)
  return crc < 0 and crc + 4294967296 or crc
end

local function home_of(account) return crc32(account) % partitions end

local sent = 0
local function send(partition, intent)
  sent, ms = sent + 1, ms + 1
  intent.v, intent.at, intent.source, intent.key = 1, ms, intent.source or 'past', intent.key or 'past-' .. sent
  redis.call('XADD', '{' .. book .. ':' .. partition .. '}:intents', string.format('%.0f-0', ms), 'intent', cmsgpack.pack(intent))
  return partition .. ':' .. string.format('%.0f-0', ms)
end

local function merchant(n) return string.format('past%05d', n) end

local function open_merchant(name)
  local home, key = home_of(name), 'open-' .. name
  local origin = send(home, { op = 'open', account = name, kind = 'merchant', currency = 'CNY', key = key })
  for p = 0, partitions - 1 do
    if p ~= home then
      send(p, { op = 'adopt', source = 'till', key = name .. '/past/' .. key .. '>adopt', account = name, kind = 'merchant',
                currency = 'CNY', origin = origin, entry = string.match(origin, ':(.*)') })
    end
  end
end

-- The first of pastuser0 .. that lives in each partition.
local function find_users()
  local users, found, n = {}, 0, 0
  while found < partitions do
    local name = 'pastuser' .. n
    local p = home_of(name)
    if not users[p] then users[p], found = name, found + 1 end
    n = n + 1
  end
  return users
end

for n = 0, merchants - 1 do open_merchant(merchant(n)) end
local users = find_users()
for p = 0, partitions - 1 do
  send(p, { op = 'policy', account = '@book', settings = { fee = 100 } })
  send(p, { op = 'open', account = users[p], kind = 'user', currency = 'CNY' })
  send(p, { op = 'topup', account = users[p], amount = 1000 * merchants * payments, currency = 'CNY' })
end
for n = 1, payments do
  for m = 0, merchants - 1 do
    for p = 0, partitions - 1 do
      local key = users[p] .. '-' .. m .. '-' .. n
      send(p, { op = 'pay', account = users[p], to = merchant(m), amount = 1000, currency = 'CNY', key = key })
    end
  end
end
local names = {}
for p = 0, partitions - 1 do names[p + 1] = users[p] end
return names
