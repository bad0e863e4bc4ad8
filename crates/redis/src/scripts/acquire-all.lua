-- Asks for several locks at once: all are granted if all are idle. Else none is, and nothing is left of the requests: whoever
-- asks goes on lock by lock. It comes after bucket.lua.
--
-- KEYS[1..4] and ARGV[1..4]: see layout.lua. Then KEYS has the holders, the queue and the dues of each lock
-- ARGV[5]  request id of the first
-- ARGV[6]  generation of the session's connection
-- ARGV[7]  mode
-- ARGV[8]  expiry of the holds in ms, counted from the grant; 0: never
-- ARGV[9]  asker
-- Then, for each lock: its request's id, and the lock's name, as at the end of its keys
--
-- Replies:
--   granted <fence>  the first one's; each of the others has the next
--   busy             some are not idle; nothing was done
--   frozen <ms>      the bucket is frozen for so long; nothing was done
--   lost             the session's lease has ended, or the server does not know it
--   stale            a younger connection of the session has come; nothing was done

local GENERATION, MODE, EXPIRY, ASKER = unpack(ARGV, 6, 9)
local FIRST_KEY, FIRST_ARGUMENT = 5, 10

local function are_idle()
  local keys = {}
  for i = FIRST_KEY, #KEYS, 3 do
    table.insert(keys, KEYS[i])
    table.insert(keys, KEYS[i + 1])
  end
  return call('EXISTS', unpack(keys)) == 0
end

-- As acquire-free.lua does it.
local function grant_all(count, fence)
  local due = EXPIRY == '0' and '0' or digits(now + 1 + EXPIRY)
  local owners = {}
  for i = 0, count - 1 do
    local holders = KEYS[FIRST_KEY + 3 * i]
    local id, name = unpack(ARGV, FIRST_ARGUMENT + 2 * i, FIRST_ARGUMENT + 2 * i + 1)
    local member = id .. '|' .. MODE .. '|' .. EXPIRY .. '|' .. ASKER .. '|' .. name
    table.insert(owners, '0')
    table.insert(owners, member)
    call('HSET', holders, 'mode', MODE, 'due', due, 'alone', member, id, digits(fence + i) .. '|' .. due .. '|0')
    call('PEXPIRE', holders, KEEP)
  end
  call('ZADD', OWNERS, unpack(owners))
end

if is_stale(GENERATION) then
  return { 'stale' }
end
if not is_alive(SESSION) then
  return { 'lost' }
end
if not are_idle() then
  return { 'busy' }
end
if FROZEN > 0 then
  return { 'frozen', FROZEN }
end
local count = (#KEYS - FIRST_KEY + 1) / 3
local fence = next_ticks(count)
grant_all(count, fence)
return { 'granted', fence }
