-- The usual case of acquire.lua, without what the others need: idle locks are granted. It comes after layout.lua, and goes
-- on to the rest where anything is unusual: somebody holds, waits, or is remembered; a freeze; an unknown session.
--
-- Each command costs the server about as much as all the Lua here: what can be known without one is.

-- How many requests there are, and the replies to those that are granted here.
local REQUESTS, replies = (#KEYS - 4) / 3, {}
do
  local id = ARGV[5]
  local locks = { HOLDERS, QUEUE }
  for i = 8, #KEYS, 3 do
    locks[#locks + 1] = KEYS[i]
    locks[#locks + 1] = KEYS[i + 1]
  end
  -- The places of those that can be granted.
  local idle = {}
  -- There are expired holds for an hour after one expired; else nobody has to look for this one among them.
  local are_all = call('EXISTS', EXPIRED, unpack(locks)) == 0
    or (call('EXISTS', unpack(locks)) == 0 and not call('ZSCORE', EXPIRED, id))
  for i = 1, (are_all or ARGV[10] == 'each') and REQUESTS or 0 do
    if are_all or call('EXISTS', locks[2 * i - 1], locks[2 * i]) == 0 then
      idle[#idle + 1] = i
    end
  end
  if #idle > 0 then
    local session = string.match(id, '^[^.]*')
    local time = call('TIME')
    local now_us = time[1] * 1000000 + time[2]
    local now = math.floor(now_us / 1000)
    local run, ends, last_tick, record = unpack(call('HMGET', EPOCH, 'run', 'until', 'tick', session))
    local generation, lease = string.match(record or '', '^(%d+)|(%d+)|')
    local known = ARGV[2] == '' or (run == ARGV[2] and tonumber(ends) <= now)
    if known and lease and tonumber(lease) > now and tonumber(generation) <= tonumber(ARGV[12]) then
      -- As a text, the time is here already: to write a number takes ten times as long.
      local tick, fence = now_us, time[1] .. string.sub('00000' .. time[2], -6)
      if tick <= (tonumber(last_tick) or 0) then
        tick = last_tick + 1
        fence = string.format('%.0f', tick)
      end
      call('HSET', EPOCH, 'tick', #idle == 1 and fence or string.format('%.0f', tick + #idle - 1))
      local asked = '|' .. ARGV[7] .. '|' .. ARGV[8] .. '|' .. ARGV[9] .. '|'
      local owners = {}
      for n, i in ipairs(idle) do
        -- The first one's id and name stand apart from the others'.
        local place = i == 1 and 5 or 9 + 2 * i
        owners[2 * n - 1] = '0'
        owners[2 * n] = ARGV[place] .. asked .. ARGV[place + 1]
      end
      -- Not kept alive here: see `lease_entry`.
      call('ZADD', OWNERS, unpack(owners))
      -- As in `deadline_of` of holds.lua: `now` is up to a millisecond behind.
      local due = ARGV[8] == '0' and '0' or string.format('%.0f', now + 1 + ARGV[8])
      for n, i in ipairs(idle) do
        local holders = locks[2 * i - 1]
        if n > 1 then
          fence = string.format('%.0f', tick + n - 1)
        end
        local hold = fence .. '|' .. due .. '|0'
        call('HSET', holders, 'mode', ARGV[7], 'due', due, 'alone', owners[2 * n], ARGV[i == 1 and 5 or 9 + 2 * i], hold)
        call('PEXPIRE', holders, KEEP)
      end
      if #idle == REQUESTS then
        return { 'all', tick }
      end
      for n, i in ipairs(idle) do
        replies[i] = { 'granted', tick + n - 1, 0 }
      end
    end
  end
end
