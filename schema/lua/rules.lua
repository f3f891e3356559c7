-- rules: what restricts an account beyond its balance: a credential, a lock, a limit, its recent payments. Few accounts have any, so a
-- field `rules` says that there are some: `credential`, which need not even be read (SIGNED says what matters), or `1`: read them.
local RULES = { 'credential', 'lock_token', 'lock_until', 'limit_payments', 'limit_per', 'limit_tat', 'recent', 'arrived' }
local RULE_NUMBERS = { 'lock_until', 'limit_payments', 'limit_per' }

local function read_rules(place)
  local values, rules = redis.pcall('HMGET', KEYS[place], unpack(RULES)), {}
  if values.err then broken(KEYS[place], values.err) end
  for n = 1, #RULES do rules[RULES[n]] = values[n] or nil end
  for n = 1, #RULE_NUMBERS do
    local name = RULE_NUMBERS[n]
    if rules[name] then
      rules[name] = to_integer(rules[name])
      if not rules[name] or rules[name] < 0 then broken(KEYS[place], name .. ' is not a number') end
    end
  end
  return rules
end

local function write_rules(key, rules)
  local set, gone, notes = {}, {}, rules.notes or {}
  for n = 1, #RULES do
    local name, value = RULES[n], rules[RULES[n]]
    if value == nil then
      gone[#gone + 1] = name
    else
      set[#set + 1], set[#set + 2] = name, type(value) == 'number' and to_text(value) or value
    end
  end
  for identity, by in pairs(notes) do
    if by then set[#set + 1], set[#set + 2] = 'arrived:' .. identity, by
    else gone[#gone + 1] = 'arrived:' .. identity end
  end
  if #set > 0 then
    set[#set + 1], set[#set + 2] = 'rules', #set == 2 and rules.credential and 'credential' or '1'
    call('HSET', key, unpack(set))
  else
    gone[#gone + 1] = 'rules'
  end
  if #gone > 0 then call('HDEL', key, unpack(gone)) end
end
