-- append: the answers of the batch onto the response streams. `answered` and `appended` say to write.lua what was appended, `failed` and
-- `current` what could not be.

-- Answer m, to the plain payment i.
local function respond_plain(m, i)
  told[CODE.ok] = (told[CODE.ok] or 0) + 1
  return call('XADD', KEYS[RESPONSES_KEY[i]], '*', 'key', KEY[i], 'source', SOURCE[i], 'op', 'pay', 'code', '0', 'reason', 'ok', 'account',
    accounts[ACCOUNT_KEY[i]].name, 'amount', AMOUNT_TEXT[i], 'currency', CURRENCY[i], 'balance', paid[3 * m - 1], 'held',
    paid[3 * m], 'bill', paid[3 * m - 2], 'at', AT[i], 'entry', ENTRY[i], 'replayed', '0', 'detail', '', 'durable', 'memory')
end

--@include share.lua

-- Answer m and those behind it to the same entry, one for each source. Returns the number of the next.
local function append_shared(m)
  local first = answers_to[m]
  local i, at, entry, place, list, size = first, AT[first], ENTRY[first], nil, nil, 0
  local places, sources, lists, plain_count = {}, {}, {}, 0
  repeat
    local a, to = answers[m], RESPONSES_KEY[i]
    if to ~= place then
      place, list = to, lists[to] or {}
      size = #list
      if size == 0 then places[#places + 1], sources[to], lists[to] = to, SOURCE[i], list end
    end
    size = size + 1
    if a == i then
      plain_count = plain_count + 1
      list[size] = lines[m]
    else
      list[size] = made.line_of(a, at, entry)
    end
    m = m + 1
    i = answers_to[m]
  until m > answer_count or ENTRY[i] ~= entry
  if plain_count > 0 then told[CODE.ok] = (told[CODE.ok] or 0) + plain_count end
  for p = 1, #places do
    local n = #appended
    place, current, failed = places[p], first, places[p]
    appended[n + 1], appended[n + 2] = place, share(place, sources[place], at, entry, 'memory', lists[place])
  end
  return m
end

-- Answer m by itself, in a batch where others share.
local function append_alone(m)
  local a, n = answers[m], #appended
  current, failed = answers_to[m], stream_of(m)
  appended[n + 1], appended[n + 2] = failed, type(a) == 'number' and respond_plain(m, a) or made.respond(a, 'memory')
  return m + 1
end

local function append_answers()
  local m = 1
  if not SHARES[1] then
    for n = 1, answer_count do
      local a = answers[n]
      answered[n] = type(a) == 'number' and respond_plain(n, a) or made.respond(a, 'memory')
    end
    return
  end
  while m <= answer_count do m = SHARES[answers_to[m]] == 1 and append_shared(m) or append_alone(m) end
  current = 0
end
